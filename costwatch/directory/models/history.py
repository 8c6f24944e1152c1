"""What changed in the mirror and when, and when each of its kinds was last read."""

from django.db import models

from costwatch.directory.models.organization import Organization


class Kind(models.TextChoices):
    """The kinds of mirrored objects."""

    ORGANIZATION = "organization"
    WORKSPACE = "workspace"
    API_KEY = "api_key"
    MEMBER = "member"
    INVITE = "invite"
    WORKSPACE_MEMBER = "workspace_member"
    SERVICE_ACCOUNT = "service_account"
    MODEL = "model"
    RATE_LIMIT_GROUP = "rate_limit_group"
    RATE_LIMIT = "rate_limit"
    SPEND_LIMIT = "spend_limit"


class Reading(models.Model):
    """When a kind was first and last read: all that an unchanged reading writes.

    `workspaces` has the moment of the last reading of each workspace, for the kinds that are read by workspace.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    first_read_at = models.DateTimeField()
    last_read_at = models.DateTimeField()
    workspaces = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "kind"], name="directory_reading_once")]


class DirectoryChange(models.Model):
    """A change of a mirrored object, append-only, written with the row it is about.

    `seen_at` is when we saw it: it happened between the reading before and that one. `fields` is {field: [old, new]};
    of what was added, every field with None before it. The first reading of a kind (of a workspace, where it is read by
    workspace) is where history begins: it adds nothing here. `external_id` joins an identity of several parts with `/`.
    """

    class What(models.TextChoices):
        """What happened to an object."""

        ADDED = "added"
        CHANGED = "changed"
        GONE = "gone"
        RETURNED = "returned"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    external_id = models.CharField(max_length=620)
    name = models.TextField()
    seen_at = models.DateTimeField()
    what = models.CharField(max_length=10, choices=What.choices)
    fields = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "seen_at"], name="directory_change_seen"),
            models.Index(fields=["organization", "kind", "seen_at"], name="directory_change_kind"),
        ]
