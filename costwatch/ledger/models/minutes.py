"""Minutes of usage, for limits: counts of 35 days, and what each day came to beside its limits, kept for ever."""

from django.db import models

from costwatch.directory.models import Organization
from costwatch.ledger.models.counts import Counts, not_negative
from costwatch.ledger.models.usage import Series


class MinuteFact(Counts):
    """What the usage report said about one series in one minute. Never summed with hours: it is the same usage.

    On PostgreSQL the table is divided by UTC day, so that a day can be dropped.
    """

    pk = models.CompositePrimaryKey("minute", "series")
    minute = models.DateTimeField()
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)

    class Meta:
        constraints = not_negative()


class LimitDay(models.Model):
    """How one day's minutes stood beside one limit of a group of models: of the organization, or of a workspace.

    Units: tokens a minute. Shape: `workspace_key` is empty for the organization; `limit` is null where none was known.
    Peak, percentile and median are over the minutes with usage.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    group_id = models.CharField(max_length=200)
    group = models.TextField()
    workspace_key = models.CharField(max_length=200, default="", blank=True)
    limiter = models.CharField(max_length=80)
    limit = models.BigIntegerField(null=True)
    source = models.CharField(max_length=20)
    peak = models.BigIntegerField()
    peak_at = models.DateTimeField()
    p95 = models.BigIntegerField()
    median = models.BigIntegerField()
    minutes_active = models.PositiveIntegerField()
    minutes_over_80 = models.PositiveIntegerField()
    minutes_over_95 = models.PositiveIntegerField()
    minutes_over_100 = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "group_id", "workspace_key", "limiter"], name="ledger_limitday_once"
            )
        ]


class LimitDayMade(models.Model):
    """When a day's figures were made last: they are made again when its minutes change after that."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "day"], name="ledger_limitdaymade_once")]
