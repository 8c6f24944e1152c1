"""The organization, and what every mirrored object has."""

from django.db import models

DEFAULT_WORKSPACE = "default"
CONSOLE_KEY = "console"


class Organization(models.Model):
    """One organization we read. Its id is a dimension of every fact."""

    external_id = models.CharField(max_length=200, unique=True)
    name = models.TextField()
    created_at = models.DateTimeField()
    # The speed filter needs a beta header that some organizations may not send; those have one speed.
    reads_speed = models.BooleanField(default=True)
    history_since = models.DateField(null=True)
    # Whether a credential reads it, and the label of that one ("" where one is enough). What was read stays.
    is_read = models.BooleanField(default=False)
    credential = models.CharField(max_length=64, default="")
    # The published tier whose limits are assumed where none can be read; "" for none.
    assumed_tier = models.CharField(max_length=20, default="", blank=True)
    assumed_by = models.CharField(max_length=200, default="", blank=True)
    assumed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credential"], condition=models.Q(is_read=True), name="one_per_credential")
        ]

    def __str__(self) -> str:
        return self.name


class Seen(models.Model):
    """What every mirrored row has: when we saw it, and the fields we have no column for.

    An unchanged row is not written again: while it is not gone, it was last seen at its kind's last reading, which
    `costwatch.directory.history.last_seen` tells. `last_seen_at` is exact once the row is gone.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    extra = models.JSONField(default=dict)

    class Meta:
        abstract = True


class Mirrored(Seen):
    """A mirrored object with an id of the vendor's."""

    external_id = models.CharField(max_length=200)

    class Meta:
        abstract = True
