"""Hours of usage: facts, the rollups made from them, and what changed later."""

from django.db import models

from costwatch.directory.models import Organization
from costwatch.ledger.models.counts import Charged, Counts, not_negative
from costwatch.ledger.models.prices import PricePublication


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


class Fact(Counts):
    """What the usage report said about one series in one hour. `run` names the ingest run that wrote it last."""

    pk = models.CompositePrimaryKey("bucket_start", "series")
    bucket_start = models.DateTimeField()
    # Unconstrained: the store interns a series before it writes its facts, and a check per row would double the write.
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    run = models.BigIntegerField()

    class Meta:
        constraints = not_negative()


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
    # Why the hour was read when the change was found.
    why = models.CharField(max_length=12, default="")

    class Meta:
        indexes = [models.Index(fields=["organization", "seen_at"])]
