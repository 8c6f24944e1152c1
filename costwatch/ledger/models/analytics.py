"""The usage and cost analytics: a second source with tables of its own, by key and actor, never added to the first.

`amount` is what is paid after discounts and before credits, `list_amount` what the same would be at list: both are the
vendor's figures.
"""

from django.db import models

from costwatch.directory.models import Organization
from costwatch.ledger.models.counts import Counts, not_negative
from costwatch.money import MoneyField, finite


class AnalyticsDims(models.Model):
    """Whose a row is. `actor_type` and `actor_id` are empty where nobody could be named."""

    digest = models.BinaryField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    api_key_id = models.TextField()
    actor_type = models.TextField()
    actor_id = models.TextField()
    workspace_id = models.TextField()
    model = models.TextField()
    service_tier = models.TextField()
    speed = models.TextField()

    class Meta:
        abstract = True


class AnalyticsSeries(AnalyticsDims):
    """One combination of every dimension of analytics usage, interned."""


class AnalyticsCostSeries(AnalyticsDims):
    """One combination of every dimension of analytics cost, interned."""

    cost_type = models.TextField()
    token_type = models.TextField()
    currency = models.TextField()


class AnalyticsUsage(Counts):
    """What the analytics said was used on one day. `requests` is null where the vendor does not count them."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(AnalyticsSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    requests = models.BigIntegerField(null=True)
    run = models.BigIntegerField()

    class Meta:
        constraints = not_negative()


class AnalyticsUsageRevision(Counts):
    """A change of analytics usage seen after its day had ended: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(AnalyticsSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    requests = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "seen_at"])]


class AnalyticsCost(models.Model):
    """What the analytics said one day cost: both amounts, exact, and as the vendor wrote them (in cents)."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(AnalyticsCostSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()
    list_amount = MoneyField()
    amount_cents = models.TextField()
    list_cents = models.TextField()
    run = models.BigIntegerField()

    class Meta:
        constraints = finite("amount", "list_amount")


class AnalyticsCostRevision(models.Model):
    """A change of analytics cost seen after its day had ended: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(AnalyticsCostSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()
    list_amount = MoneyField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        constraints = finite("amount", "list_amount")
        indexes = [models.Index(fields=["organization", "seen_at"])]
