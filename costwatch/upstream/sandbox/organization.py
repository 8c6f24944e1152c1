"""The sandbox organization's objects, as the vendor's lists answer them: workspaces and members, API keys, people."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from costwatch.upstream.sandbox.chance import draw, tagged_id
from costwatch.upstream.sandbox.people import build_invites, build_members, build_service_accounts
from costwatch.upstream.sandbox.scenario import ARCHIVED, TEAMS, Team

Object = dict[str, object]
HOSTILE_NAMES = (
    '=HYPERLINK("http://evil.example","open")',
    "Prod\u202egpj.exe",
    "+1+1",
    "ключ «тест» 👩‍👩‍👧‍👦",
    '"><img src=x onerror=alert(1)>',
    "x" * 240 + " (very long)",
    "{{7*7}} {% debug %} ${7*7}",
    "Prod\u200b",
    "a\r\nBcc: victim@example.com",
    "\x1b[31mred\x07",
    "   ",
    "Robert'); DROP TABLE keys;--",
    "@SUM(1)",
    "null",
)
PEOPLE = (
    ("Ada Adeyemi", "admin"),
    ("Bruno Costa", "admin"),
    ("Chiara Conti", "billing"),
    ("Daniel O'Brien", "developer"),
    ("Elif Şahin", "developer"),
    ("Farid Haddad", "developer"),
    ("Grace Kim", "developer"),
    ("Hugo Lindqvist", "developer"),
    ("Ines Fischer", "developer"),
    ("Jonas Weber", "claude_code_user"),
    ("Keiko Tanaka 田中", "developer"),
    ("Luca Rossi", "claude_code_user"),
    ("Maya Cohen מאיה", "developer"),
    ("Noah Smith", "user"),
    ("Olga Petrova", "user"),
    ("Priya Raman", "developer"),
    ("Quentin Martin", "claude_code_user"),
    ("Rosa Delgado", "user"),
    ("Sam <b>Bold</b>", "user"),
    ("=1+1", "user"),
    ("Tariq Aziz", "managed"),
    ("Uma Larsen", "owner"),
    ("Victor Nwosu", "auditor"),
    ("", "user"),
    ("W" + "o" * 180 + "w", "membership_admin"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as the scenario needs it. Units: days from the anchor day; `ended` exclusive."""

    id: str
    created: int
    ended: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything the lists answer, and the ids usage is made of."""

    me: Object
    workspaces: tuple[Object, ...]
    default_id: str
    api_keys: tuple[Object, ...]
    users: tuple[Object, ...]
    keys_of: Mapping[str, tuple[Key, ...]]
    workspace_ids: Mapping[str, str]
    invites: tuple[Object, ...]
    members: Mapping[str, list[Object]]
    service_accounts: tuple[Object, ...]


def _time(anchor: datetime, days: int, seconds: int = 0) -> str:
    moment = anchor.astimezone(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    moment += timedelta(days=days, seconds=seconds % 36_000, microseconds=seconds % 999_983)
    return moment.isoformat().replace("+00:00", "Z")


def build(anchor: datetime, seed: int, scale: int = 1) -> Directory:
    """The organization of one anchor and seed. `scale` multiplies the keys of every team."""
    users = tuple(_user(anchor, seed, index) for index in range(len(PEOPLE)))
    workspace_ids = {team.name: tagged_id("wrkspc", seed, team.name) for team in TEAMS}
    workspaces = tuple(_workspace(anchor, team, workspace_ids[team.name], index) for index, team in enumerate(TEAMS))
    objects: list[Object] = []
    keys_of: dict[str, tuple[Key, ...]] = {}
    for team in TEAMS:
        place = len(objects)
        made = [_key(anchor, seed, team, workspace_ids, index, place + index) for index in range(team.keys * scale)]
        objects += [key_object for key_object, _ in made]
        keys_of[team.name] = tuple(key for _, key in made)
    objects.append(_unused_key(anchor, seed))
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"sandbox-{seed}"))
    me: Object = {"id": identity, "type": "organization", "name": "Example Inc"}
    return Directory(
        me,
        workspaces,
        workspace_ids["Default"],
        tuple(objects),
        users,
        keys_of,
        workspace_ids,
        build_invites(anchor, seed),
        build_members(users, workspace_ids, seed),
        build_service_accounts(anchor, seed),
    )


def _user(anchor: datetime, seed: int, index: int) -> Object:
    name, role = PEOPLE[index]
    first = "".join(letter for letter in name.split(" ")[0].lower() if letter.isascii() and letter.isalnum())
    return {
        "id": tagged_id("user", seed, str(index)),
        "type": "user",
        "email": f"{first[:40] or 'member'}.{index}@example.com",
        "name": name,
        "role": role,
        "added_at": _time(anchor, -880 + index * 31, index * 977),
    }


def _workspace(anchor: datetime, team: Team, identity: str, index: int) -> Object:
    archived = _time(anchor, ARCHIVED, 1234) if team.name == "legacy-importer" else None
    workspace: Object = {
        "id": identity,
        "type": "workspace",
        "name": team.name,
        "created_at": _time(anchor, team.since + index, index * 811),
        "archived_at": archived,
        "display_color": team.color,
    }
    if team.name in ("docs-assistant", "legacy-importer"):
        return workspace  # made before the newer fields existed
    workspace["data_residency"] = {
        "workspace_geo": "us",
        "allowed_inference_geos": ["us", "global"] if team.name == "search-prod" else "unrestricted",
        "default_inference_geo": "global",
    }
    workspace["tags"] = {"env": "prod", "team": team.name.split("-")[0]} if "-" in team.name else {}
    workspace["compartment_id"] = str(uuid.uuid5(uuid.NAMESPACE_DNS, identity))
    workspace["external_key_id"] = None
    if team.name == "evals":
        workspace["review_policy"] = {"mode": "quarterly", "next": None}
    return workspace


def _key(
    anchor: datetime, seed: int, team: Team, workspace_ids: Mapping[str, str], index: int, place: int
) -> tuple[Object, Key]:
    bits = draw(seed, place, 77)
    identity = tagged_id("apikey", seed, f"{team.name}/{index}")
    created = max(team.since + 20, -860 + bits % 400) if index < 2 else max(team.since + 20, -400 + bits % 380)
    status, ended, expires = _fate(team, index)
    is_organization_wide = team.name == "Default" and index == 3
    workspace = None if team.name == "Default" else workspace_ids[team.name]
    scope: Object = {"type": "workspace", "workspace_id": workspace_ids[team.name]}
    principal: Object = {"type": "user_actor", "user_id": tagged_id("user", seed, "1")}
    key_object: Object = {
        "id": identity,
        "type": "api_key",
        "name": _key_name(team, index, place),
        "status": status,
        "created_at": _time(anchor, created, bits),
        "expires_at": None if expires is None else _time(anchor, expires, bits),
        "created_by": _creator(seed, place),
        "partial_key_hint": f"sk-ant-api03-{identity[10:13]}...{identity[-4:]}",
        "principal": principal if is_organization_wide else None,
        "scope": {"type": "organization"} if is_organization_wide else scope,
        "workspace_id": workspace,
    }
    return key_object, Key(identity, created, ended)


def _fate(team: Team, index: int) -> tuple[str, int, int | None]:
    """Status, the day usage ends, and the day the key expires."""
    never = 100_000
    if team.name == "legacy-importer":
        return "archived", ARCHIVED, None
    return {
        ("playground", 3): ("expired", -30, -30),
        ("evals", 4): ("expired", -8, -8),
        ("support-bot", 5): ("inactive", -45, None),
        ("research", 5): ("inactive", -120, None),
        ("search-prod", 7): ("inactive", -21, None),
        ("code-review", 4): ("active", 5, 5),
        ("docs-assistant", 1): ("active", 21, 21),
    }.get((team.name, index), ("active", never, None))


def _key_name(team: Team, index: int, place: int) -> str:
    if team.name.startswith("<script>"):
        return HOSTILE_NAMES[index % len(HOSTILE_NAMES)]
    if index and place % 6 == 5:
        return HOSTILE_NAMES[4 + (place // 6) % 10]
    role = ("main", "worker", "staging", "canary", "backfill", "cron", "mobile", "partner")[index % 8]
    return f"{team.name.lower().replace(' ', '-')}-{role}" + (f"-{index // 8}" if index >= 8 else "")


def _creator(seed: int, place: int) -> Object | None:
    if place == 7:
        return None
    if place in (19, 20):
        return {"id": tagged_id("user", seed, "left the organization"), "type": "user"}
    if place == 30:
        return {"id": tagged_id("svac", seed, "deployer"), "type": "service_account"}
    return {"id": tagged_id("user", seed, str(3 + place % 9)), "type": "user"}


def _unused_key(anchor: datetime, seed: int) -> Object:
    """A key that was never used, with a principal and without a hint."""
    return {
        "id": tagged_id("apikey", seed, "unused"),
        "type": "api_key",
        "name": "never used",
        "status": "active",
        "created_at": _time(anchor, -300),
        "expires_at": None,
        "created_by": {"id": tagged_id("user", seed, "3"), "type": "user"},
        "partial_key_hint": None,
        "principal": {"type": "user_actor", "user_id": tagged_id("user", seed, "3")},
        "scope": {"type": "workspace", "workspace_id": tagged_id("wrkspc", seed, "search-prod")},
        "workspace_id": tagged_id("wrkspc", seed, "search-prod"),
    }
