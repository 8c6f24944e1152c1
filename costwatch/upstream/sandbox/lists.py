"""The id-cursor lists: workspaces and their members, API keys, people, invites."""

from collections.abc import Sequence
from dataclasses import dataclass

from costwatch.upstream.sandbox.buckets import moment_of
from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.people import STATUSES, invite_at
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
    "invites": Endpoint((*CURSOR, "email"), ("roles[]", "statuses[]")),
}


def answer(directory: Directory, name: str, query: Query, version: str, now: int, trick: str = "") -> Object:
    """One page of a list. Raises: Rejection."""
    if name == "workspaces":
        objects = _workspaces(directory, query)
    elif name == "api_keys":
        objects = [shown(key, version) for key in _api_keys(directory, query)]
    elif name == "invites":
        objects = _invites(directory, query, now)
    else:
        objects = _users(directory, query)
    return page(objects, query, trick)


def members(directory: Directory, workspace: str, query: Query, trick: str = "") -> Object:
    """One page of a workspace's members. Raises: Rejection, also for the default workspace, which has no such list."""
    if workspace == directory.default_id:
        raise bad("The default workspace has no members of its own.")
    if workspace not in directory.members:
        raise not_found("Workspace not found")
    return page(directory.members[workspace], query, trick)


def workspace_of(path: str, what: str) -> str:
    """The workspace whose members or rate limits (`what`) a path names, empty when it names none."""
    before, _, rest = path.removeprefix(PREFIX).partition("/")
    identity, _, last = rest.partition("/")
    return identity if path.startswith(PREFIX) and (before, last) == ("workspaces", what) else ""


def one(directory: Directory, name: str, identity: str, version: str, now: int) -> Object:
    """A single object. Raises: Rejection when there is none."""
    lists = {
        "workspaces": directory.workspaces,
        "api_keys": directory.api_keys,
        "users": directory.users,
        "invites": [invite_at(invite, moment_of(now)) for invite in directory.invites],
    }
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


def _invites(directory: Directory, query: Query, now: int) -> list[Object]:
    email, roles = query.one("email"), query.all("roles[]")
    statuses = query.choices("statuses[]", STATUSES)
    return [
        invite
        for invite in (invite_at(sent, moment_of(now)) for sent in directory.invites)
        if (email is None or str(invite["email"]).lower() == email.lower())
        and (not roles or invite["role"] in roles)
        and (not statuses or invite["status"] in statuses)
    ]


def page(objects: Sequence[Object], query: Query, trick: str) -> Object:
    """One page of an id-cursor list. Raises: Rejection."""
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
    data = list(objects[start:stop])
    has_more = start > 0 if before is not None else stop < len(objects)
    last: object = _id(data[-1]) if data else None
    if trick in ("lost_token", "repeated_token", "duplicate_page"):
        has_more = True
        last = None if trick == "lost_token" else after or _id(objects[0])
    return {"data": data, "has_more": has_more, "first_id": _id(data[0]) if data else None, "last_id": last}


def _id(found: Object) -> object:
    """What a cursor names an object by: a workspace's member has no id of its own."""
    return found["user_id"] if found["type"] == "workspace_member" else found["id"]


def _index(objects: Sequence[Object], identity: str, name: str) -> int:
    for index, found in enumerate(objects):
        if _id(found) == identity:
            return index
    raise bad(f"{name}: Invalid cursor")
