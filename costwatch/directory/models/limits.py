"""What an organization and its workspaces are allowed: rate limits by group, prepared ones, and limits on spend."""

from django.db import models

from costwatch.directory.models.organization import Mirrored, Organization, Seen

ORGANIZATION_WIDE = ""


class RateLimitGroup(Mirrored):
    """A set of limits and the models it is about.

    `external_id` is the vendor's id of the group, the same in every organization; where answers have none, it is made
    of the group's type and first model. `entry_id` is the id of the organization's entry for it.
    """

    entry_id = models.CharField(max_length=200, default="")
    kind = models.CharField(max_length=80)
    name = models.TextField(default="")
    # Names and short names; None for a group that is not about models.
    model_names = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "external_id"], name="directory_ratelimitgroup_once")
        ]

    def __str__(self) -> str:
        return self.name or self.kind


class RateLimit(Seen):
    """The configured value of one limiter of a group: the organization's, or one a workspace has set over it.

    `workspace_key` is empty for the organization. What a workspace inherits has no row. `org_limit` is what the answer
    about a workspace says of the organization. Units: as the limiter's name says; None is a limiter without a value.
    """

    group = models.CharField(max_length=200)
    workspace_key = models.CharField(max_length=200, default=ORGANIZATION_WIDE)
    limiter = models.CharField(max_length=200)
    value = models.BigIntegerField(null=True)
    source = models.CharField(max_length=80)
    org_limit = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "group", "workspace_key", "limiter"], name="directory_ratelimit_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.limiter} of {self.group}"


class SpendLimit(Mirrored):
    """A limit on spend. Units: `amount_cents` as the vendor wrote it; None is no numeric cap.

    `scope` is the vendor's word: `usage_tier` is the monthly cap it sets itself. `workspace_key` names the workspace as
    facts do, and is empty unless the scope is one.
    """

    scope = models.CharField(max_length=80)
    workspace_key = models.CharField(max_length=200, default=ORGANIZATION_WIDE)
    amount_cents = models.CharField(max_length=80, null=True)
    currency = models.CharField(max_length=20, default="")
    period = models.CharField(max_length=40, default="")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "external_id"], name="directory_spendlimit_once")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.period}"


class PreparedLimit(models.Model):
    """A workspace's own value of a limiter that somebody has prepared and nobody has sent.

    `group` is the vendor's id of the group. Units: as the limiter's name says. A row is never changed but to be
    withdrawn.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    workspace_key = models.CharField(max_length=200)
    group = models.CharField(max_length=200)
    limiter = models.CharField(max_length=200)
    value = models.BigIntegerField()
    why = models.TextField(default="")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(value__gte=0), name="directory_preparedlimit_not_negative")
        ]
        indexes = [models.Index(fields=["organization", "withdrawn_at"], name="directory_prepared_open")]

    def __str__(self) -> str:
        return f"{self.limiter} of {self.workspace_key}: {self.value}"
