"""The bookkeeping of ingestion."""

from django.db import models

from costwatch.directory.models import Organization


class Installation(models.Model):
    """What this database holds: the sandbox or a real organization. Never both; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kind = models.CharField(max_length=10, choices=[("sandbox", "sandbox"), ("real", "real")])
    # The sandbox's history hangs on the moment of its first start, so that it stays the same on the next day.
    anchor = models.DateTimeField()
    frozen_now = models.CharField(max_length=40, default="")
    # Why nobody could be reached or identified with the configured key, as the vendor said it; empty when it worked.
    connect_error = models.TextField(default="")

    class Meta:
        constraints = [models.CheckConstraint(name="ingest_installation_one_row", condition=models.Q(id=1))]


class Source(models.Model):
    """One report we read for one organization: whether we may, when it last worked, and whether it is paused."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    name = models.CharField(max_length=20)
    available = models.BooleanField(default=True)
    reason = models.TextField(default="")
    checked_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_error_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="ingest_source_once")]


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
    digest = models.BinaryField(max_length=16)
    rejected = models.PositiveIntegerField(default=0)
    first_read_at = models.DateTimeField()
    last_read_at = models.DateTimeField()
    changed_at = models.DateTimeField()
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
    """A bucket's change of state: append-only, so that the state at any past time is known."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State.choices)
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "source", "start"])]


class Run(models.Model):
    """One piece of work on one source: what it asked, what came, what changed, what failed."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        ABANDONED = "abandoned"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(default=0)
    windows_planned = models.PositiveIntegerField(default=0)
    windows_done = models.PositiveIntegerField(default=0)
    requests = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_changed = models.PositiveBigIntegerField(default=0)
    error = models.TextField(default="")
    request_ids = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["organization", "source", "-started_at"])]


class Lease(models.Model):
    """The right to run one source of one organization; it ends by itself when its holder dies."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    holder = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "source"], name="ingest_lease_once")]


class Slot(models.Model):
    """A moment at which something periodic was done: the row that lets it be done once."""

    job = models.CharField(max_length=20)
    start = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "start"], name="ingest_slot_once")]


class Heartbeat(models.Model):
    """When the scheduler last rang and a worker last heard it; a row each."""

    role = models.CharField(max_length=10, primary_key=True)
    at = models.DateTimeField()


class Novelty(models.Model):
    """A field or value of a report that this version does not know: kept, counted, never fatal."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    path = models.CharField(max_length=200)
    value = models.CharField(max_length=200, default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    seen = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "source", "path", "value"], name="ingest_novelty_once")
        ]


class Quarantined(models.Model):
    """A row of a report that cannot be recorded: kept as it came, with the reason, while the others go on."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    bucket_start = models.DateTimeField()
    reason = models.TextField()
    raw = models.TextField()
    seen_at = models.DateTimeField()
    run = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "source", "bucket_start"])]
