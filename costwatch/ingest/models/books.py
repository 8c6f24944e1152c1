"""How each bucket stands, and how it came to."""

from django.db import models

from costwatch.directory.models import Organization


class State(models.TextChoices):
    """The state of a bucket, worst first. Missing has no row."""

    INCONSISTENT = "inconsistent"
    OPEN = "open"
    REVISED = "revised"
    SETTLED = "settled"


class Coverage(models.Model):
    """How one bucket of a source stands: written in the same transaction as its rows."""

    pk = models.CompositePrimaryKey("organization", "source", "start")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State.choices)
    # What the chain that everything is split from said; for minutes one digest after the other.
    digest = models.BinaryField(max_length=960)
    # What the splitter chains said, and when; empty where the base has changed since, or they were never read.
    split_digest = models.BinaryField(max_length=16, default=b"")
    split_at = models.DateTimeField(null=True)
    rejected = models.PositiveIntegerField(default=0)
    first_read_at = models.DateTimeField()
    last_read_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    # The first read of all of it after it was over.
    whole_at = models.DateTimeField(null=True)
    control_total_ok = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "source", "state", "start"])]


class EqualRead(models.Model):
    """A read that found a span of buckets as they were: one row instead of a write to each bucket.

    A bucket's last read is the newest of its own and of the spans that hold it; a span inside a newer one is dropped.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, db_index=False)
    source = models.CharField(max_length=20)
    start = models.DateTimeField()
    end = models.DateTimeField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "source", "start", "end"], name="ingest_equalread_once")
        ]


class CoverageChange(models.Model):
    """A bucket's change of state or of its proof: append-only, so that both are known at any past time."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State.choices)
    control_total_ok = models.BooleanField(null=True)
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "source", "start"])]
