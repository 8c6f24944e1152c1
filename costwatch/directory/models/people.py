"""Who belongs to an organization: members, invites, members of workspaces, service accounts."""

from django.db import models

from costwatch.directory.models.organization import Mirrored, Seen


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


class Invite(Mirrored):
    """An invitation to the organization, whatever became of it."""

    email = models.TextField()
    role = models.CharField(max_length=80, default="")
    status = models.CharField(max_length=40, default="")
    invited_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "external_id"], name="directory_invite_once")]

    def __str__(self) -> str:
        return self.email


class WorkspaceMember(Seen):
    """A person's role in a workspace. `user_id` is the external id of a member."""

    workspace_key = models.CharField(max_length=200)
    user_id = models.CharField(max_length=200)
    role = models.CharField(max_length=80, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "workspace_key", "user_id"], name="directory_workspacemember_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_key}"


class ServiceAccount(Mirrored):
    """An identity that is no person."""

    name = models.TextField()
    description = models.TextField(default="")
    role = models.CharField(max_length=80, default="")
    created_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "external_id"], name="directory_serviceaccount_once")
        ]

    def __str__(self) -> str:
        return self.name
