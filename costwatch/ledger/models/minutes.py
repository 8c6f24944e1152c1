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


class _BesideLimit(models.Model):
    """How some minutes stood beside one limit of a group of models: of the organization, or of a workspace.

    Units: tokens a minute. Shape: `pool` is empty for ordinary use; `workspace_key` for the organization; `limit` is
    what was in force, null where none was known.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    group_id = models.CharField(max_length=200)
    group = models.TextField()
    pool = models.CharField(max_length=20, default="", blank=True)
    workspace_key = models.CharField(max_length=200, default="", blank=True)
    limiter = models.CharField(max_length=80)
    limit = models.BigIntegerField(null=True)
    source = models.CharField(max_length=20)
    peak = models.BigIntegerField()
    peak_at = models.DateTimeField()

    class Meta:
        abstract = True


class LimitHour(_BesideLimit):
    """One hour beside one limit. An hour without usage has no row.

    Shape: `values` are sixty counts, packed by `costwatch.ledger.limit_figures`. `takers` are of the organization's row
    alone: JSON of workspace to tokens in the minutes in which the pool ran short; empty where it did not.
    """

    hour = models.DateTimeField()
    total = models.BigIntegerField()
    minutes_active = models.PositiveSmallIntegerField()
    minutes_over_80 = models.PositiveSmallIntegerField()
    minutes_over_95 = models.PositiveSmallIntegerField()
    minutes_over_100 = models.PositiveSmallIntegerField()
    values = models.BinaryField()
    takers = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "hour", "group_id", "pool", "workspace_key", "limiter"],
                name="ledger_limithour_once",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "group_id", "workspace_key", "hour"], name="ledger_limithour_line")
        ]


class LimitHourMade(models.Model):
    """An hour whose figures are made, and of what: where that is something else now they are made again."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    hour = models.DateTimeField()
    made_of = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "hour"], name="ledger_limithourmade_once")]


class LimitDay(_BesideLimit):
    """One day beside one limit.

    Shape: `limit` is that of the day's last hour with usage, and a minute is over what was in force then. Peak,
    percentile and median are over the minutes with usage.
    """

    day = models.DateField()
    p95 = models.BigIntegerField()
    median = models.BigIntegerField()
    minutes_active = models.PositiveIntegerField()
    minutes_over_80 = models.PositiveIntegerField()
    minutes_over_95 = models.PositiveIntegerField()
    minutes_over_100 = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "group_id", "pool", "workspace_key", "limiter"],
                name="ledger_limitday_once",
            )
        ]


class LimitDayMade(models.Model):
    """A day whose figures are made; gone when one of its hours is made again."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "day"], name="ledger_limitdaymade_once")]
