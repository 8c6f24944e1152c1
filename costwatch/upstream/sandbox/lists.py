"""The id-cursor lists: workspaces, API keys, people."""

from collections.abc import Sequence
from dataclasses import dataclass

from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.query import Query, bad, not_found

PREFIX = "/v1/organizations/"
CURSOR = ("after_id", "before_id", "limit")
KEY_STATUSES = ("active", "inactive", "archived", "expired")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parameters of one list."""

    single: tuple[str, ...]
    many: tuple[str, ...] = ()


ENDPOINTS = {
    "workspaces": Endpoint((*CURSOR, "include_archived", "include_default"), ("ids[]",)),
    "api_keys": Endpoint((*CURSOR, "status", "workspace_id", "created_by_user_id")),
    "users": Endpoint((*CURSOR, "email"), ("roles[]",)),
}


def answer(directory: Directory, name: str, query: Query, version: str, trick: str = "") -> Object:
    """One page of a list. Raises: Rejection."""
    if name == "workspaces":
        objects = _workspaces(directory, query)
    elif name == "api_keys":
        objects = [shown(key, version) for key in _api_keys(directory, query)]
    else:
        objects = _users(directory, query)
    return _page(objects, query, trick)


def one(directory: Directory, name: str, identity: str, version: str) -> Object:
    """A single object. Raises: Rejection when there is none."""
    lists = {"workspaces": directory.workspaces, "api_keys": directory.api_keys, "users": directory.users}
    for found in lists[name]:
        if found["id"] == identity:
            return shown(found, version)
    raise not_found(f"{name[:-1].replace('_', ' ').capitalize()} not found")


def shown(found: Object, version: str) -> Object:
    """An object as one API version shows it: the newest has no deprecated fields."""
    if version == "2023-06-01" or found["type"] != "api_key":
        return found
    return {name: value for name, value in found.items() if name != "workspace_id"}


def _workspaces(directory: Directory, query: Query) -> list[Object]:
    archived, default = query.flag("include_archived"), query.flag("include_default")
    ids = query.all("ids[]")
    if len(ids) > 100:
        raise bad("ids: List should have at most 100 items after validation")
    return [
        workspace
        for workspace in directory.workspaces
        if (archived or workspace["archived_at"] is None)
        and (default or workspace["id"] != directory.default_id)
        and (not ids or workspace["id"] in ids)
    ]


def _api_keys(directory: Directory, query: Query) -> list[Object]:
    status = query.choice("status", KEY_STATUSES, "")
    workspace, creator = query.one("workspace_id"), query.one("created_by_user_id")
    return [
        key
        for key in directory.api_keys
        if (not status or key["status"] == status)
        and (workspace is None or _field(key["scope"], "workspace_id") == workspace)
        and (creator is None or _field(key["created_by"], "id") == creator)
    ]


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _users(directory: Directory, query: Query) -> list[Object]:
    email, roles = query.one("email"), query.all("roles[]")
    return [
        user
        for user in directory.users
        if (email is None or user["email"] == email) and (not roles or user["role"] in roles)
    ]


def _page(objects: Sequence[Object], query: Query, trick: str) -> Object:
    limit = query.limit(20, 1000)
    after, before = query.one("after_id"), query.one("before_id")
    if after is not None and before is not None:
        raise bad("Only one of after_id and before_id may be given.")
    start, stop = 0, limit
    if after is not None:
        start = _index(objects, after, "after_id") + 1
        stop = start + limit
    elif before is not None:
        stop = _index(objects, before, "before_id")
        start = max(0, stop - limit)
    page = list(objects[start:stop])
    has_more = start > 0 if before is not None else stop < len(objects)
    last: object = page[-1]["id"] if page else None
    if trick in ("lost_token", "repeated_token", "duplicate_page"):
        has_more = True
        last = None if trick == "lost_token" else after or objects[0]["id"]
    return {"data": page, "has_more": has_more, "first_id": page[0]["id"] if page else None, "last_id": last}


def _index(objects: Sequence[Object], identity: str, name: str) -> int:
    for index, found in enumerate(objects):
        if found["id"] == identity:
            return index
    raise bad(f"{name}: Invalid cursor")
