"""The cost report: its lines, what changed later, and what a person read in the Console."""

from django.db import models

from costwatch.directory.models import Organization
from costwatch.money import MoneyField, finite


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


class ReportedRevision(models.Model):
    """A change of a cost report line seen after its day had ended: signed, append-only."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    day = models.DateField()
    series = models.ForeignKey(ReportedSeries, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    amount = MoneyField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()
    # Why the day was read when the change was found.
    why = models.CharField(max_length=12, default="")

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
