"""Mirroring the lists of an organization: each is read whole, then replaced."""

from datetime import datetime

from django.db import transaction

from costwatch.directory import kinds
from costwatch.directory.mirror import storable
from costwatch.directory.mirror.replace import Found, What, note, replace, told
from costwatch.directory.models import DEFAULT_WORKSPACE, Kind, Organization, Workspace
from costwatch.upstream import catalogue
from costwatch.upstream import organization as lists
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused


def mirror_organization(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the organization's name; a key of another organization renames nothing.

    Shape: 1 when it was read. Raises: UpstreamError.
    """
    found = lists.me(client)
    if found.id != organization.external_id:
        return 0
    name = storable.text(found.name)
    with transaction.atomic():
        note(organization, Kind.ORGANIZATION, now)
        if name != organization.name:
            fields = {"name": (organization.name, name)}
            named = (organization.external_id, name)
            told(organization, Kind.ORGANIZATION, named, now, What.CHANGED, fields).save()
            organization.name = name
            organization.save(update_fields=["name"])
    return 1


def mirror_workspaces(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the workspaces. Shape: how many there are. Raises: UpstreamError."""
    listed = {one.id for one, _ in lists.workspaces(client, with_default=False)}
    try:
        found = list(lists.workspaces(client))
    except Refused as error:
        if error.status != 400:
            raise
        # Older deployments do not know include_default; the default workspace then stays a placeholder.
        found = [(one, extra) for one, extra in lists.workspaces(client, with_default=False)]
    default = {one.id for one, _ in found} - listed
    seen: list[Found] = [
        (
            (DEFAULT_WORKSPACE if one.id in default else one.id,),
            {
                "external_id": storable.text(one.id),
                "name": storable.text(one.name),
                "display_color": storable.text(one.display_color, 20),
                "created_at": storable.time(one.created_at),
                "archived_at": storable.time(one.archived_at),
                "data_residency": storable.json(one.data_residency or {}),
                "tags": storable.json(one.tags or {}),
                "extra": storable.json(extra),
            },
        )
        for one, extra in found
    ]
    return replace(kinds.WORKSPACES, organization, seen, now)


def mirror_api_keys(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the API keys. Shape: how many there are. Raises: UpstreamError."""
    default = default_workspace_id(organization)
    seen: list[Found] = [
        (
            (one.id,),
            {
                "name": storable.text(one.name),
                "status": storable.text(one.status, 40),
                "workspace_key": _workspace_of(one, default),
                "partial_key_hint": storable.text(one.partial_key_hint, 80),
                "created_by": storable.text(one.created_by.id if one.created_by else "", storable.ID_LIMIT),
                "created_at": storable.time(one.created_at),
                "expires_at": storable.time(one.expires_at),
                "extra": storable.json(extra),
            },
        )
        for one, extra in lists.api_keys(client)
    ]
    return replace(kinds.API_KEYS, organization, seen, now)


def mirror_members(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the members. Shape: how many there are. Raises: UpstreamError."""
    seen: list[Found] = [
        (
            (one.id,),
            {
                "name": storable.text(one.name),
                "email": storable.text(one.email),
                "role": storable.text(one.role, 80),
                "added_at": storable.time(one.added_at),
                "extra": storable.json(extra),
            },
        )
        for one, extra in lists.users(client)
    ]
    return replace(kinds.MEMBERS, organization, seen, now)


def mirror_invites(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the invites. Shape: how many there are. Raises: UpstreamError."""
    seen: list[Found] = [
        (
            (one.id,),
            {
                "email": storable.text(one.email),
                "role": storable.text(one.role, 80),
                "status": storable.text(one.status, 40),
                "invited_at": storable.time(one.invited_at),
                "expires_at": storable.time(one.expires_at),
                "accepted_at": storable.time(one.accepted_at),
                "extra": storable.json(extra),
            },
        )
        for one, extra in lists.invites(client)
    ]
    return replace(kinds.INVITES, organization, seen, now)


def mirror_service_accounts(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the service accounts. Shape: how many there are. Raises: UpstreamError, with an Admin key always."""
    seen: list[Found] = [
        (
            (one.id,),
            {
                "name": storable.text(one.name),
                "description": storable.text(one.description),
                "role": storable.text(one.organization_role, 80),
                "created_at": storable.time(one.created_at),
                "archived_at": storable.time(one.archived_at),
                "extra": storable.json(extra),
            },
        )
        for one, extra in lists.service_accounts(client)
    ]
    return replace(kinds.SERVICE_ACCOUNTS, organization, seen, now)


def mirror_models(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the models the vendor lists. Shape: how many there are. Raises: UpstreamError."""
    try:
        found = list(catalogue.models(client))
    except Refused as error:
        if error.status != 400:
            raise
        # Older deployments do not know the filter by lifecycle.
        found = list(catalogue.models(client, with_retired=False))
    seen: list[Found] = [
        (
            (one.id,),
            {
                "name": storable.text(one.display_name),
                "line": storable.text(one.line, 80),
                "lifecycle": storable.text(one.lifecycle, 40),
                "created_at": storable.time(one.created_at),
                "deprecated_at": storable.time(one.deprecated_at),
                "retires_at": storable.time(one.retires_at),
                "max_input_tokens": storable.count(one.max_input_tokens),
                "max_tokens": storable.count(one.max_tokens),
                "extra": storable.json(extra),
            },
        )
        for one, extra in found
    ]
    return replace(kinds.MODELS, organization, seen, now)


def default_workspace_id(organization: Organization) -> str:
    """The default workspace's real id, empty where it is not known."""
    row = Workspace.objects.filter(organization=organization, key=DEFAULT_WORKSPACE).first()
    return row.external_id if row else ""


def _workspace_of(key: lists.ApiKey, default: str) -> str:
    """The workspace of a key as facts name it; only its scope knows the default workspace, by its real id."""
    if key.scope and key.scope.type == "organization":
        return ""
    scoped = key.scope.workspace_id if key.scope else None
    named = scoped or key.workspace_id
    return workspace_key(named, default)


def workspace_key(named: str | None, default: str) -> str:
    """A workspace's real id as facts name it."""
    return DEFAULT_WORKSPACE if not named or named == default else storable.text(named, storable.ID_LIMIT)
