"""Who may work where in the sandbox organization: invites, the members of workspaces, service accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from costwatch import clock
from costwatch.upstream.sandbox.chance import draw, tagged_id

Object = dict[str, object]
INVITE_DAYS = 21
STATUSES = ("pending", "accepted", "expired")
# E-mail, role, days from the anchor to the invitation, days from there to its acceptance (None: not accepted).
INVITED = (
    ("noor.haddad@example.com", "developer", -2, None),
    ("new+tag@example.com", "claude_code_user", -9, None),
    ("UPPER.Case@Example.com", "user", -15, 1),
    ("пример@example.com", "billing", -20, None),
    ("=cmd|' /C calc'!A0@example.com", "user", -33, None),
    ("late.joiner@example.com", "developer", -40, 20),
    ("auditor@example.com", "auditor", -55, 3),
    ("forgotten@example.com", "admin", -200, None),
)
# Name, description, role, days from the anchor to its making and to its archiving.
ACCOUNTS = (
    ("notebooks", "Interactive notebooks of the research team", "developer", -240, None),
    ("deployer", "", "admin", -420, None),
    ("ci-tests", None, "developer", -150, None),
    ("report-writer", '<b>bold</b> "quoted" =1+1', "developer", -60, None),
    ("old-importer", "Replaced by nightly-batch", "developer", -700, -75),
)
ROLES = ("workspace_developer", "workspace_user", "workspace_developer", "workspace_restricted_developer")


def _at(anchor: datetime, days: int, salt: int) -> datetime:
    morning = anchor.replace(hour=9, minute=0, second=0, microsecond=0)
    return morning + timedelta(days=days, seconds=salt * 577 % 30_000)


def build_invites(anchor: datetime, seed: int) -> tuple[Object, ...]:
    """Every invite, newest first, as it was sent; its status depends on the time it is read at."""
    found = []
    for place, (email, role, day, accepted) in enumerate(INVITED):
        sent = _at(anchor, day, place)
        invite: Object = {
            "id": tagged_id("invite", seed, email),
            "type": "invite",
            "email": email,
            "role": role,
            "invited_at": clock.rfc3339(sent),
            "expires_at": clock.rfc3339(sent + timedelta(days=INVITE_DAYS)),
            "accepted_at": None if accepted is None else clock.rfc3339(sent + timedelta(days=accepted)),
        }
        if place < 6:  # the others were sent before the newer field existed
            invite["rbac_group_ids"] = []
        found.append(invite)
    return tuple(found)


def invite_at(invite: Object, now: datetime) -> Object:
    """An invite with the status it has at a time."""
    if invite["accepted_at"]:
        status = "accepted"
    else:
        status = "expired" if clock.parse(str(invite["expires_at"])) <= now else "pending"
    return {**invite, "status": status}


def build_members(users: Sequence[Object], workspace_ids: Mapping[str, str], seed: int) -> Mapping[str, list[Object]]:
    """The members of each workspace but the default one: those who rule the organization are everywhere."""
    found: dict[str, list[Object]] = {}
    for place, (name, identity) in enumerate(workspace_ids.items()):
        if name == "Default":
            continue
        found[identity] = [
            {"type": "workspace_member", "user_id": user["id"], "workspace_id": identity, "workspace_role": role}
            for index, user in enumerate(users)
            if (role := _role(str(user["role"]), name, draw(seed, place, index, 21)))
        ]
    return found


def _role(organization_role: str, workspace: str, bits: int) -> str:
    """A person's role in a workspace; empty where they have none."""
    if organization_role in ("admin", "owner"):
        return "workspace_admin"
    if organization_role == "billing":
        return "workspace_billing"
    if organization_role == "auditor":
        return "workspace_auditor"
    share = 9 if workspace == "search-prod" else 3
    return ROLES[bits % len(ROLES)] if (bits >> 8) % 10 < share else ""


def build_service_accounts(anchor: datetime, seed: int) -> tuple[Object, ...]:
    """Every service account, newest first."""
    maker = tagged_id("user", seed, "1")
    found = []
    for place, (name, description, role, made, archived) in enumerate(ACCOUNTS):
        changed = clock.rfc3339(_at(anchor, made if archived is None else archived, place))
        account: Object = {
            "id": tagged_id("svac", seed, name),
            "type": "service_account",
            "name": name,
            "description": description,
            "organization_role": role,
            "created_at": clock.rfc3339(_at(anchor, made, place)),
            "created_by_actor_id": maker,
            "updated_at": changed,
            "updated_by_actor_id": maker,
            "archived_at": None if archived is None else changed,
            "archived_by_actor_id": None if archived is None else maker,
        }
        found.append(account)
    return tuple(sorted(found, key=lambda account: str(account["created_at"]), reverse=True))
