"""What every usage row holds: the six counts, and what they cost."""

from django.db import models

from costwatch.money import MoneyField, finite

COUNTS = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "web_search_requests",
)


MONEY = ("list_low", "list_high", "contracted_low", "contracted_high")


def not_negative() -> list[models.BaseConstraint]:
    """The constraint that keeps counts from being negative, for a model's Meta."""
    return [
        models.CheckConstraint(
            name="%(app_label)s_%(class)s_counts_not_negative",
            condition=models.Q(**{f"{count}__gte": 0 for count in COUNTS}),
        )
    ]


class Counts(models.Model):
    """The six disjoint billable counts."""

    uncached_input_tokens = models.BigIntegerField()
    ephemeral_5m_input_tokens = models.BigIntegerField()
    ephemeral_1h_input_tokens = models.BigIntegerField()
    cache_read_input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    web_search_requests = models.BigIntegerField()

    class Meta:
        abstract = True


class Charged(Counts):
    """Counts with what they cost: bounds at list and at the organization's rates, and what has no price.

    `held` marks a row whose amount does not fit into one cell of SQLite: its money reads 0 and the pages say so.
    """

    list_low = MoneyField(default=0)
    list_high = MoneyField(default=0)
    contracted_low = MoneyField(default=0)
    contracted_high = MoneyField(default=0)
    unpriced_tokens = models.BigIntegerField(default=0)
    held = models.BooleanField(default=False)

    class Meta:
        abstract = True
        constraints = finite(*MONEY)
