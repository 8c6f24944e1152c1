"""The ledger's schema.

A fact is counts only, keyed (bucket start, series); `Series` interns the text dimensions behind a 16-byte digest, so
that a hostile name cannot break an index and a new report dimension is a column here, not on every fact. Charges live
on the day rollup per series and are derived: they can be thrown away and made again. No natural key has a nullable
column: what the vendor did not report is the empty string.
"""

from django.db import models

from costwatch.directory.models import Organization
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


def _not_negative() -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            name="%(app_label)s_%(class)s_counts_not_negative",
            condition=models.Q(**{f"{count}__gte": 0 for count in COUNTS}),
        )
    ]


class PricePublication(models.Model):
    """One published price table: append-only, with its whole text, so that any past charge can be computed again."""

    version = models.CharField(max_length=200, unique=True)
    sources = models.JSONField()
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version


class PriceChange(models.Model):
    """A publication coming into force, append-only: the newest row tells which table the charges are made with.

    `applied_at` is when every charge had been looked at with it; until then pricing again is due.
    """

    publication = models.ForeignKey(PricePublication, on_delete=models.PROTECT)
    seen_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)


class UsageGroup(models.Model):
    """workspace x model x tier: the coarse grain that serves pages of the whole organization."""

    digest = models.BinaryField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    workspace_id = models.TextField()
    model = models.TextField()
    service_tier = models.TextField()


class Series(models.Model):
    """One combination of every usage dimension, interned."""

    digest = models.BinaryField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    group = models.ForeignKey(UsageGroup, on_delete=models.PROTECT)
    api_key_id = models.TextField()
    workspace_id = models.TextField()
    model = models.TextField()
    service_tier = models.TextField()
    context_window = models.TextField()
    inference_geo = models.TextField()
    speed = models.TextField()
    account_id = models.TextField(default="")
    service_account_id = models.TextField(default="")


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


class Fact(Counts):
    """What the usage report said about one series in one hour. `run` names the ingest run that wrote it last."""

    pk = models.CompositePrimaryKey("bucket_start", "series")
    bucket_start = models.DateTimeField()
    # Unconstrained: the store interns a series before it writes its facts, and a check per row would double the write.
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    run = models.BigIntegerField()

    class Meta:
        constraints = _not_negative()


class SeriesDay(Charged):
    """Counts and charges of one series on one UTC day: the grain that is priced."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    price = models.ForeignKey(PricePublication, on_delete=models.PROTECT, db_index=False)

    class Meta(Charged.Meta):
        indexes = [
            # One key's days, for the panels that show a single key.
            models.Index(fields=["series", "day"], name="ledger_seriesday_series"),
            # What needs attention is rare, and is asked for on every page.
            models.Index(fields=["day"], name="ledger_seriesday_unpriced", condition=models.Q(unpriced_tokens__gt=0)),
            models.Index(fields=["day"], name="ledger_seriesday_held", condition=models.Q(held=True)),
        ]


class SeriesMonth(Charged):
    """The sum of a series' days in one UTC month."""

    pk = models.CompositePrimaryKey("month", "series")
    month = models.DateField()
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)

    class Meta(Charged.Meta):
        pass


class StaleMonth(models.Model):
    """A month whose rows per series have not followed their days yet; written with the days, so a crash keeps it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    month = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "month"], name="ledger_stalemonth_once")]


class GroupDay(Charged):
    """The sum of a group's series on one UTC day."""

    pk = models.CompositePrimaryKey("day", "group")
    day = models.DateField()
    group = models.ForeignKey(UsageGroup, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)

    class Meta(Charged.Meta):
        pass


class GroupMonth(Charged):
    """The sum of a group's days in one UTC month."""

    pk = models.CompositePrimaryKey("month", "group")
    month = models.DateField()
    group = models.ForeignKey(UsageGroup, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)

    class Meta(Charged.Meta):
        pass


class ReportedSeries(models.Model):
    """One combination of every field of the cost report but the amount, interned."""

    digest = models.BinaryField(max_length=16, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    workspace_id = models.TextField()
    currency = models.TextField()
    cost_type = models.TextField()
    token_type = models.TextField()
    model = models.TextField()
    service_tier = models.TextField()
    context_window = models.TextField()
    inference_geo = models.TextField()
    description = models.TextField()
    extra = models.TextField(default="")


class ReportedLine(models.Model):
    """What the cost report said about one day: the amount, exact, and as the vendor wrote it (in cents)."""

    pk = models.CompositePrimaryKey("day", "series")
    day = models.DateField()
    series = models.ForeignKey(ReportedSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()
    amount_cents = models.TextField()
    run = models.BigIntegerField()

    class Meta:
        constraints = finite("amount")


class ReportedMonth(models.Model):
    """The sum of a reported series' lines in one UTC month, written with its lines."""

    pk = models.CompositePrimaryKey("month", "series")
    month = models.DateField()
    series = models.ForeignKey(ReportedSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()

    class Meta:
        constraints = finite("amount")


class Revision(models.Model):
    """A change of a fact seen after its bucket had ended, in a window read before: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    bucket_start = models.DateTimeField()
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    uncached_input_tokens = models.BigIntegerField()
    ephemeral_5m_input_tokens = models.BigIntegerField()
    ephemeral_1h_input_tokens = models.BigIntegerField()
    cache_read_input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    web_search_requests = models.BigIntegerField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "seen_at"])]


class ReportedRevision(models.Model):
    """A change of a cost report line seen after its day had ended: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(ReportedSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        constraints = finite("amount")
        indexes = [models.Index(fields=["organization", "seen_at"])]


class ConsoleFigure(models.Model):
    """The month's total a person read in the vendor's Console, beside ours at that moment; append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    month = models.DateField()
    console = MoneyField()
    reported = MoneyField()
    cause = models.TextField()
    entered_by = models.TextField()
    entered_at = models.DateTimeField()

    class Meta:
        constraints = finite("console", "reported")
