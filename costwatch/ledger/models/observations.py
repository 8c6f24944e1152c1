"""What real responses of the vendor said about rate limits, as applications told us: by the minute, for 35 days."""

from django.db import models

from costwatch.directory.models import Organization


class ObservedMinute(models.Model):
    """What the responses of one minute said of one kind of pool; `kind` is empty for the responses themselves.

    Dimensions that nobody told are empty, `workspace_key` names the workspace as facts do. Units: as the kind says,
    `retry_after` in seconds; null is not told. `refused` are responses with status 429. What is last is of the newest
    response, seen at `observed_at`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    minute = models.DateTimeField()
    workspace_key = models.CharField(max_length=100, default="", blank=True)
    api_key_id = models.CharField(max_length=100, default="", blank=True)
    model = models.CharField(max_length=200, default="", blank=True)
    kind = models.CharField(max_length=80, default="", blank=True)
    responses = models.BigIntegerField()
    refused = models.BigIntegerField()
    limit = models.BigIntegerField(null=True)
    least_remaining = models.BigIntegerField(null=True)
    remaining = models.BigIntegerField(null=True)
    reset_at = models.DateTimeField(null=True)
    retry_after = models.BigIntegerField(null=True)
    observed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "minute", "workspace_key", "api_key_id", "model", "kind"],
                name="ledger_observedminute_once",
            )
        ]


class ObservedRequest(models.Model):
    """A request whose response was counted, by the digest of its id, for two days: told again it does not count.

    `telling` tells apart who wrote it: of two that tell the same at once, one did.
    """

    digest = models.CharField(max_length=32, primary_key=True)
    telling = models.BigIntegerField()
    told_at = models.DateTimeField(db_index=True)
