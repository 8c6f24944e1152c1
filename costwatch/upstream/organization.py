"""The organization and its lists: workspaces and who belongs to them, API keys, people, invites, service accounts.

Source: reference pages of organizations/me, workspaces, members, api_keys, users, invites and service_accounts (August
to October 2026).
"""

from collections.abc import Iterator

import msgspec

from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import decode, read_list, read_tokens


class Organization(msgspec.Struct):
    """organizations/me."""

    id: str
    name: str


class Workspace(msgspec.Struct):
    """A workspace; older objects lack the newer fields."""

    id: str
    name: str
    created_at: str | None = None
    archived_at: str | None = None
    display_color: str | None = None
    data_residency: dict[str, object] | None = None
    tags: dict[str, object] | None = None


class Scope(msgspec.Struct):
    """What an API key belongs to."""

    type: str
    workspace_id: str | None = None


class Creator(msgspec.Struct):
    """Who made an API key."""

    id: str
    type: str = ""


class ApiKey(msgspec.Struct):
    """An API key, without its secret."""

    id: str
    name: str
    status: str = ""
    created_at: str | None = None
    expires_at: str | None = None
    created_by: Creator | None = None
    partial_key_hint: str | None = None
    scope: Scope | None = None
    workspace_id: str | None = None


class User(msgspec.Struct):
    """A member of the organization."""

    id: str
    email: str
    name: str
    role: str
    added_at: str | None = None


class Invite(msgspec.Struct):
    """An invitation to the organization; it expires after 21 days."""

    id: str
    email: str
    role: str = ""
    status: str = ""
    invited_at: str | None = None
    expires_at: str | None = None
    accepted_at: str | None = None


class WorkspaceMember(msgspec.Struct):
    """A person's place in a workspace. It has no id, name or time of its own."""

    user_id: str
    workspace_role: str = ""
    workspace_id: str = ""


class ServiceAccount(msgspec.Struct):
    """An identity that is no person."""

    id: str
    name: str
    description: str | None = None
    organization_role: str = ""
    created_at: str | None = None
    archived_at: str | None = None


def me(client: AdminClient) -> Organization:
    """The organization the key belongs to. Raises: UpstreamError."""
    answer = client.get("/v1/organizations/me")
    return decode(answer.body, Organization, answer.request_id)


def workspaces(client: AdminClient, *, with_default: bool = True) -> Iterator[tuple[Workspace, dict[str, object]]]:
    """Every workspace, the archived ones included; with fields we have no name for.

    No field says which workspace is the default one: it is the one that is missing without `with_default`.
    """
    flags = [("include_archived", "true"), *([("include_default", "true")] if with_default else [])]
    return read_list(client, "/v1/organizations/workspaces", Workspace, flags)


def api_keys(client: AdminClient) -> Iterator[tuple[ApiKey, dict[str, object]]]:
    """Every API key."""
    return read_list(client, "/v1/organizations/api_keys", ApiKey)


def users(client: AdminClient) -> Iterator[tuple[User, dict[str, object]]]:
    """Every member."""
    return read_list(client, "/v1/organizations/users", User)


def invites(client: AdminClient) -> Iterator[tuple[Invite, dict[str, object]]]:
    """Every invite, whatever became of it."""
    return read_list(client, "/v1/organizations/invites", Invite)


def workspace_members(client: AdminClient, workspace_id: str) -> Iterator[tuple[WorkspaceMember, dict[str, object]]]:
    """Everybody in a workspace; the default workspace has no such list."""
    return read_list(client, f"/v1/organizations/workspaces/{workspace_id}/members", WorkspaceMember)


def service_accounts(client: AdminClient) -> Iterator[tuple[ServiceAccount, dict[str, object]]]:
    """Every service account, the archived ones included. Admin keys are refused here."""
    params = [("include_archived", "true"), ("limit", "100")]
    return read_tokens(client, "/v1/organizations/service_accounts", ServiceAccount, params)
