"""Mirroring the organization's lists. What vanishes upstream is marked, never deleted: facts still refer to it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import DEFAULT_WORKSPACE, ApiKey, Member, Mirrored, Organization, Workspace
from costwatch.upstream import organization as lists
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused

ID_LIMIT = 200
Seen = tuple[str, dict[str, Any]]


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
    seen: list[Seen] = [
        (
            DEFAULT_WORKSPACE if one.id in default else one.id,
            {
                "external_id": one.id,
                "name": _text(one.name),
                "display_color": _text(one.display_color)[:20],
                "created_at": _time(one.created_at),
                "archived_at": _time(one.archived_at),
                "data_residency": _json(one.data_residency or {}),
                "tags": _json(one.tags or {}),
                "extra": _json(extra),
            },
        )
        for one, extra in found
    ]
    _replace(Workspace, organization, "key", seen, now)
    return len(seen)


def mirror_api_keys(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the API keys. Shape: how many there are. Raises: UpstreamError."""
    default = default_workspace_id(organization)
    seen: list[Seen] = [
        (
            one.id,
            {
                "name": _text(one.name),
                "status": _text(one.status)[:40],
                "workspace_key": _workspace_of(one, default),
                "partial_key_hint": _text(one.partial_key_hint)[:80],
                "created_by": _text(one.created_by.id if one.created_by else "")[:ID_LIMIT],
                "created_at": _time(one.created_at),
                "expires_at": _time(one.expires_at),
                "extra": _json(extra),
            },
        )
        for one, extra in lists.api_keys(client)
    ]
    _replace(ApiKey, organization, "external_id", seen, now)
    return len(seen)


def mirror_members(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the members. Shape: how many there are. Raises: UpstreamError."""
    seen: list[Seen] = [
        (
            one.id,
            {
                "name": _text(one.name),
                "email": _text(one.email),
                "role": _text(one.role)[:80],
                "added_at": _time(one.added_at),
                "extra": _json(extra),
            },
        )
        for one, extra in lists.users(client)
    ]
    _replace(Member, organization, "external_id", seen, now)
    return len(seen)


def default_workspace_id(organization: Organization) -> str:
    """The default workspace's real id, empty where it is not known."""
    row = Workspace.objects.filter(organization=organization, key=DEFAULT_WORKSPACE).first()
    return row.external_id if row else ""


def oldest(organization: Organization) -> datetime | None:
    """When the organization's first workspace or key was made."""
    moments = [
        *Workspace.objects.filter(organization=organization).values_list("created_at", flat=True),
        *ApiKey.objects.filter(organization=organization).values_list("created_at", flat=True),
    ]
    return min((moment for moment in moments if moment), default=None)


def _workspace_of(key: lists.ApiKey, default: str) -> str:
    """The workspace of a key as facts name it; only its scope knows the default workspace, by its real id."""
    if key.scope and key.scope.type == "organization":
        return ""
    scoped = key.scope.workspace_id if key.scope else None
    named = scoped or key.workspace_id
    return DEFAULT_WORKSPACE if not named or named == default else _text(named)[:ID_LIMIT]


def _replace(
    model: type[Mirrored], organization: Organization, identity: str, seen: Iterable[Seen], now: datetime
) -> None:
    rows = {getattr(row, identity): row for row in model._default_manager.filter(organization=organization)}
    made, changed, present = [], [], set()
    for key, fields in seen:
        if len(key) > ID_LIMIT or key in present:
            continue
        present.add(key)
        row = rows.get(key)
        if row is None:
            row = model(organization=organization, first_seen_at=now, last_seen_at=now, **{identity: key})
            made.append(_filled(row, fields, now))
        else:
            changed.append(_filled(row, fields, now))
    gone = [row for key, row in rows.items() if key not in present and row.gone_at is None]
    for row in gone:
        row.gone_at = now
    columns = ["last_seen_at", "gone_at", *_columns(seen)]
    with transaction.atomic():
        model._default_manager.bulk_create(made)
        if changed:
            model._default_manager.bulk_update(changed, columns, batch_size=50)
        if gone:
            model._default_manager.bulk_update(gone, ["gone_at"], batch_size=200)


def _columns(seen: Iterable[Seen]) -> list[str]:
    for _, fields in seen:
        return list(fields)
    return []


def _filled(row: Mirrored, fields: Mapping[str, Any], now: datetime) -> Mirrored:
    for name, value in fields.items():
        setattr(row, name, value)
    row.last_seen_at, row.gone_at = now, None
    return row


def _text(text: str | None) -> str:
    return (text or "").replace("\x00", "\u2400")


def _json(value: object) -> object:
    """A JSON value as PostgreSQL can hold it: jsonb refuses NUL."""
    return msgspec.json.decode(msgspec.json.encode(value).replace(b"\\u0000", b"\\u2400"))


def _time(text: str | None) -> datetime | None:
    """A time of an object; one we cannot read is left out, the object stays."""
    try:
        return clock.parse(text) if text else None
    except ValueError:
        return None
