"""The mirror: rows that are never deleted, changes that are told, and as few writes as there is news."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costwatch import clock
from costwatch.directory import mirror
from costwatch.directory.history import last_seen, reading_of
from costwatch.directory.mirror.rounds import MOST
from costwatch.directory.models import (
    ApiKey,
    DirectoryChange,
    Invite,
    Kind,
    Member,
    Model,
    Organization,
    Reading,
    ServiceAccount,
    Workspace,
    WorkspaceMember,
)
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Malformed, Refused, Unreachable
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import At, Read, told

LISTS = ("workspaces", "api_keys", "members", "invites", "models")


def listed(sandbox: SandboxServer, path: str, *objects: object, times: int = 1) -> None:
    """Make the sandbox answer these objects."""
    text = json.dumps({"data": objects, "has_more": False, "first_id": None, "last_id": None, "next_page": None})
    sandbox.faults.add("body", path, times=times, text=text)


def member(identity: str, name: str, role: str = "developer", **more: object) -> dict[str, object]:
    return {"id": identity, "type": "user", "name": name, "email": f"{identity}@example.com", "role": role, **more}


def writes(queries: CaptureQueriesContext) -> list[str]:
    """The statements that wrote something, by their first words."""
    spoken = [query["sql"].split(" SET ")[0] for query in queries.captured_queries]
    return [sql for sql in spoken if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_every_list_is_mirrored(read: Read) -> None:
    assert [read(kind) for kind in LISTS] == [12, 60, 25, 8, 23]
    counts = [model.objects.count() for model in (Workspace, ApiKey, Member, Invite, Model)]
    assert counts == [12, 60, 25, 8, 23]
    assert Workspace.objects.get(key="default").name == "Default"
    opus = Model.objects.get(external_id="claude-opus-5-5")
    assert (opus.name, opus.line, opus.lifecycle) == ("Claude Opus 5.5", "opus", "active")
    assert Invite.objects.filter(status="pending").count() == 3


def test_the_first_reading_of_a_kind_is_where_its_history_begins(read: Read, at: At) -> None:
    read(*LISTS, "workspace_members", "rate_limits", "spend_limits", "organization")
    assert told() == []
    assert set(Reading.objects.values_list("kind", flat=True)) == set(Kind.values) - {"service_account"}


def test_a_reading_without_news_writes_one_row_a_kind(read: Read, at: At) -> None:
    read(*LISTS, "workspace_members", "spend_limits")
    at("2026-11-20T15:05:00Z")
    with CaptureQueriesContext(connection) as queries:
        read(*LISTS, "workspace_members", "spend_limits")
    assert writes(queries) == ['UPDATE "directory_reading"'] * 7
    read("rate_limits")
    with CaptureQueriesContext(connection) as queries:
        read("rate_limits")
    assert writes(queries) == ['UPDATE "directory_reading"'] * 2
    assert told() == []


def test_what_is_listed_was_last_seen_at_the_last_reading(read: Read, company: Organization, at: At) -> None:
    read("members")
    later = at("2026-11-20T15:05:00Z")
    read("members")
    row = Member.objects.first()
    assert row
    assert row.last_seen_at == clock.parse("2026-11-20T14:05:00Z")
    assert last_seen(row, reading_of(company, Kind.MEMBER)) == later


def test_what_is_added_changed_gone_and_returned_is_told(read: Read, at: At, sandbox: SandboxServer) -> None:
    listed(sandbox, "users", member("user_1", "Ada"), member("user_2", "Bo"))
    read("members")
    second = at("2026-11-20T15:05:00Z")
    listed(sandbox, "users", member("user_1", "Ada", "admin"), member("user_3", "Cy", added_at="2026-11-20T15:00:00Z"))
    read("members")
    assert told() == [
        ("member", "changed", "Ada", {"role": ["developer", "admin"]}),
        (
            "member",
            "added",
            "Cy",
            {
                "name": [None, "Cy"],
                "email": [None, "user_3@example.com"],
                "role": [None, "developer"],
                "added_at": [None, "2026-11-20T15:00:00Z"],
            },
        ),
        ("member", "gone", "Bo", {}),
    ]
    assert Member.objects.get(external_id="user_2").gone_at == second
    assert Member.objects.get(external_id="user_2").last_seen_at == clock.parse("2026-11-20T14:05:00Z")
    third = at("2026-11-20T16:05:00Z")
    listed(sandbox, "users", member("user_1", "Ada", "admin"), member("user_2", "Bo B."))
    read("members")
    assert told()[3:] == [("member", "returned", "Bo B.", {"name": ["Bo", "Bo B."]}), ("member", "gone", "Cy", {})]
    assert {row.seen_at for row in DirectoryChange.objects.order_by("pk")[3:]} == {third}
    bo = Member.objects.get(external_id="user_2")
    assert (bo.gone_at, bo.first_seen_at) == (None, clock.parse("2026-11-20T14:05:00Z"))


def test_what_stays_gone_is_told_once(read: Read, at: At, sandbox: SandboxServer) -> None:
    listed(sandbox, "users", member("user_1", "Ada"), member("user_2", "Bo"))
    read("members")
    for hour in (15, 16, 17):
        at(f"2026-11-20T{hour}:05:00Z")
        listed(sandbox, "users", member("user_1", "Ada"))
        read("members")
    assert told() == [("member", "gone", "Bo", {})]
    gone = Member.objects.get(external_id="user_2")
    assert last_seen(gone, Reading.objects.get()) == clock.parse("2026-11-20T14:05:00Z")


def test_a_field_without_a_column_is_kept_and_not_told(read: Read, sandbox: SandboxServer) -> None:
    listed(sandbox, "users", member("user_1", "Ada"))
    read("members")
    listed(sandbox, "users", member("user_1", "Ada", title="Countess"))
    read("members")
    assert Member.objects.get().extra == {"type": "user", "title": "Countess"}
    assert told() == []


def test_a_change_is_written_with_its_row_or_not_at_all(
    read: Read, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(sandbox, "users", member("user_1", "Ada"))
    read("members")

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    listed(sandbox, "users", member("user_1", "Ada L."), times=2)
    with monkeypatch.context() as patched:
        patched.setattr(type(DirectoryChange.objects), "bulk_create", dies)
        with pytest.raises(KeyboardInterrupt):
            read("members")
    assert Member.objects.get().name == "Ada"
    read("members")
    assert told() == [("member", "changed", "Ada L.", {"name": ["Ada", "Ada L."]})]


def test_ids_that_are_too_long_or_come_twice_are_left_out(read: Read, sandbox: SandboxServer) -> None:
    listed(sandbox, "users", member("user_1", "Ada"), member("u" * 201, "Long"), member("user_1", "Twice"))
    read("members")
    assert [row.name for row in Member.objects.all()] == ["Ada"]


def test_hostile_text_is_stored_whole_and_nul_is_made_visible(read: Read, sandbox: SandboxServer) -> None:
    listed(sandbox, "users", member("user_1\x00", "<script>\x00'); DROP TABLE x;--", note="\x00"))
    read("members")
    assert Member.objects.get().name == "<script>\u2400'); DROP TABLE x;--"
    assert (Member.objects.get().external_id, Member.objects.get().extra["note"]) == ("user_1\u2400", "\u2400")


def test_an_answer_that_is_cut_leaves_the_rows_as_they_were(read: Read, sandbox: SandboxServer) -> None:
    read("members")
    sandbox.faults.add("truncate", "users", times=None)
    with pytest.raises((Malformed, Unreachable)):
        read("members")
    assert Member.objects.filter(gone_at=None).count() == 25
    assert told() == []


def test_an_archived_workspace_and_a_key_of_another_status_are_told(read: Read, sandbox: SandboxServer) -> None:
    one = {"id": "wrkspc_1", "type": "workspace", "name": "search", "archived_at": None}
    key = {"id": "apikey_1", "type": "api_key", "name": "main", "status": "active", "workspace_id": "wrkspc_1"}
    listed(sandbox, "workspaces", one, times=2)
    listed(sandbox, "api_keys", key)
    read("workspaces", "api_keys")
    listed(sandbox, "workspaces", {**one, "archived_at": "2026-11-20T14:00:00Z"}, times=2)
    listed(sandbox, "api_keys", {**key, "status": "archived"})
    read("workspaces", "api_keys")
    assert told() == [
        ("workspace", "changed", "search", {"archived_at": [None, "2026-11-20T14:00:00Z"]}),
        ("api_key", "changed", "main", {"status": ["active", "archived"]}),
    ]


def test_a_workspaces_colour_is_not_the_mirrors(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces")
    Workspace.objects.filter(name="search-prod").update(slot=3, display_color="#000000")
    read("workspaces")
    assert Workspace.objects.get(name="search-prod").slot == 3
    assert [change[3] for change in told()] == [{"display_color": ["#000000", "#2C3E91"]}]


def test_the_organizations_name_is_followed(read: Read, company: Organization, sandbox: SandboxServer) -> None:
    assert read("organization") == 1
    me = {"id": company.external_id, "type": "organization", "name": "Example Group"}
    sandbox.faults.add("body", "/me", text=json.dumps(me))
    read("organization")
    assert Organization.objects.get().name == "Example Group"
    assert told() == [("organization", "changed", "Example Group", {"name": ["Example Inc", "Example Group"]})]


def test_another_organizations_key_renames_nothing(read: Read, sandbox: SandboxServer) -> None:
    sandbox.faults.add("body", "/me", text='{"id": "another", "name": "Other"}')
    assert read("organization") == 0
    assert Organization.objects.get().name == "Example Inc"


def test_service_accounts_need_another_key(read: Read, sandbox: SandboxServer) -> None:
    with pytest.raises(Refused, match="OAuth token"):
        read("service_accounts")
    account = {"id": "svac_1", "name": "ci", "description": None, "organization_role": "admin", "updated_at": "x"}
    listed(sandbox, "service_accounts", account)
    assert read("service_accounts") == 1
    row = ServiceAccount.objects.get()
    assert (row.name, row.description, row.role) == ("ci", "", "admin")
    assert Reading.objects.get().kind == Kind.SERVICE_ACCOUNT


def test_models_are_read_from_older_deployments_too(read: Read, sandbox: SandboxServer) -> None:
    sandbox.sandbox.offer.change(models="old")
    assert read("models") > 10
    assert set(Model.objects.values_list("lifecycle", flat=True)) == {""}


def test_members_are_read_workspace_by_workspace_without_the_default_one(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces", "members")
    before = len(sandbox.requests)
    read("workspace_members")
    asked = [entry.path for entry in list(sandbox.requests)[before:]]
    assert len(asked) == 10
    assert not any(sandbox.sandbox.directory.default_id in path for path in asked)
    search = Workspace.objects.get(name="search-prod").key
    assert WorkspaceMember.objects.filter(workspace_key=search).count() > 20
    assert set(Reading.objects.get(kind="workspace_member").workspaces) == set(
        Workspace.objects.filter(archived_at=None).exclude(key="default").values_list("key", flat=True)
    )


def test_a_role_in_a_workspace_that_changes_is_told_by_the_persons_name(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces", "members", "workspace_members")
    row = WorkspaceMember.objects.filter(role="workspace_admin").first()
    assert row
    WorkspaceMember.objects.filter(pk=row.pk).update(role="workspace_user")
    read("workspace_members")
    name = Member.objects.get(external_id=row.user_id).name
    assert told() == [("workspace_member", "changed", name, {"role": ["workspace_user", "workspace_admin"]})]
    assert DirectoryChange.objects.get().external_id == f"{row.workspace_key}/{row.user_id}"


def test_nobody_is_left_in_a_workspace_that_was_archived(read: Read) -> None:
    read("workspaces", "workspace_members")
    evals = Workspace.objects.get(name="evals")
    members = WorkspaceMember.objects.filter(workspace_key=evals.key, gone_at=None)
    count = members.count()
    assert count > 0
    Workspace.objects.filter(pk=evals.pk).update(archived_at=clock.now())
    read("workspace_members")
    assert members.count() == 0
    assert [change[1] for change in told("workspace_member")] == ["gone"] * count


def test_a_thousand_workspaces_take_turns(company: Organization, client: AdminClient, sandbox: SandboxServer) -> None:
    Workspace.objects.bulk_create(
        Workspace(
            organization=company,
            key=f"wrkspc_{number:04d}",
            external_id=f"wrkspc_{number:04d}",
            name="x",
            first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        )
        for number in range(250)
    )
    listed(sandbox, "/members", {"user_id": "user_1", "workspace_role": "workspace_user"}, times=1000)
    seen = []
    for hour in (15, 16, 17):
        before = len(sandbox.requests)
        mirror.mirror_workspace_members(company, client, clock.parse(f"2026-11-20T{hour}:00:00Z"))
        seen.append([entry.path.split("/")[4] for entry in list(sandbox.requests)[before:]])
    assert [len(paths) for paths in seen] == [MOST, MOST, MOST]
    assert (seen[0][0], seen[1][0], seen[2][0], seen[2][50]) == (
        "wrkspc_0000",
        "wrkspc_0100",
        "wrkspc_0200",
        "wrkspc_0000",
    )
    assert WorkspaceMember.objects.count() == 250


def test_an_id_that_would_lead_elsewhere_is_never_asked_for(read: Read, sandbox: SandboxServer) -> None:
    workspaces = [{"id": identity, "name": identity} for identity in ("../users?x=", "", "wrkspc_1")]
    listed(sandbox, "workspaces", *workspaces, times=2)
    read("workspaces")
    assert sorted(Workspace.objects.values_list("key", flat=True)) == ["../users?x=", "wrkspc_1"]
    listed(sandbox, "/members", {"user_id": "user_1"})
    read("workspace_members")
    assert sandbox.requests[-1].path == "/v1/organizations/workspaces/wrkspc_1/members"
    assert len(sandbox.requests) == 3


def test_a_workspace_that_just_went_is_left_out_and_all_of_them_are_a_failure(
    read: Read, sandbox: SandboxServer
) -> None:
    read("workspaces")
    gone: Any = {"status": 404, "text": '{"error":{"type":"not_found_error","message":"no such workspace"}}'}
    sandbox.faults.add("body", "/members", times=4, **gone)
    read("workspace_members")
    assert len(Reading.objects.get(kind="workspace_member").workspaces) == 6
    sandbox.faults.add("body", "/members", times=None, **gone)
    with pytest.raises(Refused, match="no such workspace"):
        read("workspace_members")
    assert told() == []


def test_what_was_read_before_a_failure_is_kept(read: Read, at: At, sandbox: SandboxServer) -> None:
    read("workspaces")
    sandbox.faults.add("server_error", "/members", times=2, after=4)
    with pytest.raises(Unreachable):
        read("workspace_members")
    first = set(Reading.objects.get(kind="workspace_member").workspaces)
    assert len(first) == 4
    at("2026-11-20T15:05:00Z")
    before = len(sandbox.requests)
    read("workspace_members")
    asked = [entry.path.split("/")[4] for entry in list(sandbox.requests)[before:]]
    assert set(asked[-4:]) == first


def test_a_key_that_is_not_known_is_not_tried_on_every_workspace(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces")
    before = len(sandbox.requests)
    sandbox.faults.add("unauthorized", "/members", times=None)
    with pytest.raises(Refused, match="invalid x-api-key"):
        read("workspace_members")
    assert len(sandbox.requests) - before == 1
