"""Mirrored objects. Rows are never deleted: facts outlive the workspace or key they belong to."""

from costwatch.directory.models.history import DirectoryChange, Kind, Reading
from costwatch.directory.models.limits import ORGANIZATION_WIDE, PreparedLimit, RateLimit, RateLimitGroup, SpendLimit
from costwatch.directory.models.objects import ApiKey, Model, Workspace
from costwatch.directory.models.organization import CONSOLE_KEY, DEFAULT_WORKSPACE, Mirrored, Organization, Seen
from costwatch.directory.models.people import Invite, Member, ServiceAccount, WorkspaceMember

__all__ = [
    "CONSOLE_KEY",
    "DEFAULT_WORKSPACE",
    "ORGANIZATION_WIDE",
    "ApiKey",
    "DirectoryChange",
    "Invite",
    "Kind",
    "Member",
    "Mirrored",
    "Model",
    "Organization",
    "PreparedLimit",
    "RateLimit",
    "RateLimitGroup",
    "Reading",
    "Seen",
    "ServiceAccount",
    "SpendLimit",
    "Workspace",
    "WorkspaceMember",
]
