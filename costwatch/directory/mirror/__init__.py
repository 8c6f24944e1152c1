"""Mirroring the organization: what the vendor's lists say becomes rows, and what changed in them becomes history.

Each function reads one kind and is called with (organization, client, now). It says how many objects it read, and
raises UpstreamError when it is refused; the rows then stay as they were.
"""

from datetime import datetime

from costwatch.directory.mirror.limits import mirror_rate_limits, mirror_spend_limits
from costwatch.directory.mirror.lists import (
    default_workspace_id,
    mirror_api_keys,
    mirror_invites,
    mirror_members,
    mirror_models,
    mirror_organization,
    mirror_service_accounts,
    mirror_workspaces,
)
from costwatch.directory.mirror.members import mirror_workspace_members
from costwatch.directory.models import ApiKey, Organization, Workspace

__all__ = [
    "default_workspace_id",
    "mirror_api_keys",
    "mirror_invites",
    "mirror_members",
    "mirror_models",
    "mirror_organization",
    "mirror_rate_limits",
    "mirror_service_accounts",
    "mirror_spend_limits",
    "mirror_workspace_members",
    "mirror_workspaces",
    "oldest",
]


def oldest(organization: Organization) -> datetime | None:
    """When the organization's first workspace or key was made."""
    moments = [
        *Workspace.objects.filter(organization=organization).values_list("created_at", flat=True),
        *ApiKey.objects.filter(organization=organization).values_list("created_at", flat=True),
    ]
    return min((moment for moment in moments if moment), default=None)
