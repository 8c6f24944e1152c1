"""What an organization has: workspaces, API keys, models."""

from django.db import models
from django.db.models.functions import Length

from costwatch.directory.models.organization import Mirrored


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


class Model(Mirrored):
    """A model as the vendor lists it. Reports can name others: retired ones, previews."""

    name = models.TextField()
    line = models.CharField(max_length=80, default="")
    lifecycle = models.CharField(max_length=40, default="")
    created_at = models.DateTimeField(null=True)
    deprecated_at = models.DateTimeField(null=True)
    retires_at = models.DateTimeField(null=True)
    max_input_tokens = models.BigIntegerField(null=True)
    max_tokens = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="directory_model_once")]

    def __str__(self) -> str:
        return self.name


models.CharField.register_lookup(Length)
