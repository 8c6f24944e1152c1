"""The organization and its lists: workspaces, API keys, people.

Source: reference pages of organizations/me, workspaces, api_keys and users (August to October 2026).
"""

from collections.abc import Iterator

import msgspec

from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import decode, read_list


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
