"""Mirrored objects. Rows are never deleted: facts outlive the workspace or key they belong to."""

from django.db import models
from django.db.models.functions import Length

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

    def __str__(self) -> str:
        return self.name


class Mirrored(models.Model):
    """What every mirrored object has: when we first and last saw it, and the fields we have no column for."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    external_id = models.CharField(max_length=200)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    extra = models.JSONField(default=dict)

    class Meta:
        abstract = True


class Workspace(Mirrored):
    """A workspace. `key` is how facts name it: `default` for the default workspace, else its id."""

    key = models.CharField(max_length=200)
    name = models.TextField()
    display_color = models.CharField(max_length=20, default="")
    created_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    data_residency = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)
    # The colour a workspace keeps on every page, 1 to 6; given once to those that spend most.
    slot = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="directory_workspace_once"),
            models.CheckConstraint(name="directory_workspace_key_given", condition=models.Q(key__length__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(Mirrored):
    """An API key, without its secret. `workspace_key` names the workspace as facts do."""

    name = models.TextField()
    status = models.CharField(max_length=40, default="")
    workspace_key = models.CharField(max_length=200, default="")
    partial_key_hint = models.CharField(max_length=80, default="")
    created_by = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="directory_apikey_once")]

    def __str__(self) -> str:
        return self.name


class Member(Mirrored):
    """A person of the organization."""

    name = models.TextField()
    email = models.TextField()
    role = models.CharField(max_length=80)
    added_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="directory_member_once")]

    def __str__(self) -> str:
        return self.name


models.CharField.register_lookup(Length)
