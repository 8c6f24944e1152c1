"""Who works on what, and how it went."""

from django.db import models

from costwatch.directory.models import Organization


class Source(models.Model):
    """One report we read for one organization: whether we may, when it last worked, and whether it is paused."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    name = models.CharField(max_length=40)
    available = models.BooleanField(default=True)
    reason = models.TextField(default="")
    checked_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_error_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    # When the newest minutes were last asked for: they belong to an hour that is not read whole yet.
    polled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="ingest_source_once")]


class AvailabilityChange(models.Model):
    """It changed whether a source may be read: append-only. A source that is not here was never closed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=40)
    available = models.BooleanField()
    seen_at = models.DateTimeField()


class Part(models.Model):
    """One list of a source that is read list by list: whether this organization has it and its key may read it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    available = models.BooleanField(default=True)
    reason = models.TextField(default="")
    checked_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "source", "name"], name="ingest_part_once")]


class Again(models.Model):
    """A span somebody asked to have read once more; for lists there is no span. It is work until it is finished."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    source = models.CharField(max_length=20)
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    # The span as text: two wishes for the same are one.
    span = models.CharField(max_length=40, default="")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    finished_at = models.DateTimeField(null=True)
    run = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "span"],
                condition=models.Q(finished_at=None),
                name="ingest_again_once",
            )
        ]


class Run(models.Model):
    """One piece of work on one source: what it asked, what came, what changed, what failed."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        # The vendor does not let this organization, or its key, read the source.
        CLOSED = "closed"
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
    # Questions to an endpoint by the reason they were asked for; a question may take several pages.
    asked = models.JSONField(default=dict)
    rows_read = models.PositiveBigIntegerField(default=0)
    rows_changed = models.PositiveBigIntegerField(default=0)
    # The worker's main process: it outlives a child that dies.
    worker = models.CharField(max_length=64, default="")
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
