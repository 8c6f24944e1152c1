"""What reading found besides the counts: what is new, what could not be recorded, and what was proved."""

from django.db import models

from costwatch.directory.models import Organization


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


class RawBucket(models.Model):
    """What the chains said about one bucket, as it came, compressed: of settling reads and of late changes.

    A bucket that was kept several times has a row for each; the newest word of each chain makes its facts again.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, db_index=False)
    source = models.CharField(max_length=20)
    start = models.DateTimeField()
    read_at = models.DateTimeField()
    run = models.BigIntegerField()
    is_whole = models.BooleanField()
    body = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "source", "start"], name="ingest_rawbucket_of"),
            models.Index(fields=["read_at"], name="ingest_rawbucket_age"),
        ]


class Check(models.Model):
    """A proof that was tried: that parts and sums are equal. One row a day and kind; the newest stands."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    name = models.CharField(max_length=20)
    day = models.DateField()
    checked_at = models.DateTimeField()
    ok = models.BooleanField()
    compared = models.PositiveBigIntegerField(default=0)
    detail = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name", "day"], name="ingest_check_once")]
