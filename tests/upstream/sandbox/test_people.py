"""Invites, members of workspaces, service accounts and models of the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from costwatch.upstream.sandbox.server import SandboxServer

from .test_lists import listed

ANCHOR = datetime(2026, 11, 19, 14, 5, tzinfo=UTC)


def bearer(server: SandboxServer, token: str, query: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "anthropic-version": "2023-06-01"}
    return httpx.get(f"{server.url}/v1/organizations/service_accounts{query}", headers=headers)


def test_invites_are_pending_accepted_or_expired(reader: Any) -> None:
    found = listed(reader, "invites")
    assert [one["status"] for one in found] == [
        "pending",
        "pending",
        "accepted",
        "pending",
        "expired",
        "accepted",
        "accepted",
        "expired",
    ]
    assert found[0]["id"].startswith("invite_")
    assert "rbac_group_ids" not in found[-1]
    assert len(listed(reader, "invites", ("limit", "3"))) == 8


def test_invites_are_filtered(reader: Any) -> None:
    assert len(listed(reader, "invites", ("statuses[]", "pending"), ("statuses[]", "expired"))) == 5
    assert len(listed(reader, "invites", ("email", "upper.case@EXAMPLE.com"))) == 1
    assert len(listed(reader, "invites", ("roles[]", "auditor"))) == 1
    assert reader.get("invites", [("statuses[]", "lost")]).status_code == 400
    assert reader.get("invites", [("page", "x")]).status_code == 400


def test_an_invite_expires_after_three_weeks(make_server: Any, read: Any) -> None:
    moment = [ANCHOR]
    reader = read(make_server(now=lambda: moment[0]))
    identity = reader.get("invites").json()["data"][0]["id"]
    assert reader.get(f"invites/{identity}").json()["status"] == "pending"
    moment[0] = ANCHOR + timedelta(days=20)
    assert reader.get(f"invites/{identity}").json()["status"] == "expired"


def test_members_of_a_workspace_have_roles_and_no_names(reader: Any, shared: SandboxServer) -> None:
    ids = shared.sandbox.directory.workspace_ids
    people = {user["id"]: user["role"] for user in listed(reader, "users")}
    page = reader.get(f"workspaces/{ids['search-prod']}/members").json()
    assert (len(page["data"]), page["has_more"]) == (20, True)
    assert page["last_id"] == page["data"][-1]["user_id"]
    rest = reader.get(f"workspaces/{ids['search-prod']}/members", [("after_id", page["last_id"])]).json()
    assert rest["has_more"] is False
    members = [*page["data"], *rest["data"]]
    assert set(members[0]) == {"type", "user_id", "workspace_id", "workspace_role"}
    assert {one["user_id"] for one in members} <= set(people)
    roles = {one["workspace_role"] for one in members}
    assert roles >= {"workspace_admin", "workspace_billing", "workspace_developer", "workspace_user"}
    admins = {identity for identity, role in people.items() if role == "admin"}
    for name in ("research", "playground"):
        found = reader.get(f"workspaces/{ids[name]}/members", [("limit", "1000")]).json()["data"]
        assert admins <= {one["user_id"] for one in found if one["workspace_role"] == "workspace_admin"}


def test_the_default_workspace_has_no_members_and_an_unknown_one_is_404(reader: Any, shared: SandboxServer) -> None:
    assert reader.get(f"workspaces/{shared.sandbox.directory.default_id}/members").status_code == 400
    assert reader.get("workspaces/wrkspc_nobody/members").status_code == 404
    assert reader.get("workspaces//members").status_code == 404


def test_service_accounts_answer_an_oauth_token_and_no_key(reader: Any, shared: SandboxServer) -> None:
    status, sentence = reader.message("service_accounts")
    assert (status, sentence) == (403, "This endpoint requires an OAuth token with the org:admin scope.")
    assert bearer(shared, shared.admin_key).status_code == 403
    assert bearer(shared, "sk-ant-oat01-wrong").status_code == 401
    answer = bearer(shared, shared.sandbox.keys.oauth).json()
    assert [one["name"] for one in answer["data"]] == ["report-writer", "ci-tests", "notebooks", "deployer"]
    assert answer["next_page"] is None
    assert reader.get("me", x_api_key=shared.sandbox.keys.oauth).status_code == 401


def test_service_accounts_come_in_pages_archived_ones_when_asked_for(shared: SandboxServer) -> None:
    token = shared.sandbox.keys.oauth
    first = bearer(shared, token, "?include_archived=true&limit=3").json()
    second = bearer(shared, token, f"?include_archived=true&limit=3&page={first['next_page']}").json()
    assert [one["name"] for one in second["data"]] == ["deployer", "old-importer"]
    assert second["next_page"] is None
    assert bearer(shared, token, "?limit=101").status_code == 400
    assert bearer(shared, token, f"?limit=3&page={first['next_page']}").status_code == 400


def test_the_creators_and_users_of_keys_are_among_the_service_accounts(reader: Any, shared: SandboxServer) -> None:
    accounts = {one["id"] for one in bearer(shared, shared.sandbox.keys.oauth).json()["data"]}
    creators = [key["created_by"] for key in listed(reader, "api_keys") if key["created_by"]]
    assert {one["id"] for one in creators if one["type"] == "service_account"} <= accounts


def test_models_are_listed_newest_first_retired_ones_when_asked_for(reader: Any, shared: SandboxServer) -> None:
    found = listed(reader, shared.url + "/v1/models")
    assert [one["id"] for one in found][:3] == ["claude-fable-5-2", "claude-haiku-5-5", "claude-sonnet-5-5"]
    stages = {one["id"]: one["lifecycle"] for one in found}
    assert stages["claude-sonnet-4-5-20250929"] == "deprecated"
    assert "claude-lynx-1-preview" not in stages
    assert set(stages.values()) == {"active", "deprecated"}
    retired = listed(reader, shared.url + "/v1/models", ("lifecycle[]", "retired"))
    assert "claude-opus-4-1-20250805" in {one["id"] for one in retired}
    assert [one["created_at"] for one in retired if one["id"] == "claude-3-haiku-20240307"] == ["1970-01-01T00:00:00Z"]
    assert reader.get(shared.url + "/v1/models", [("lifecycle[]", "dead")]).status_code == 400
    assert reader.get(shared.url + "/v1/models", x_api_key=shared.workspace_key).status_code == 200


def test_a_model_is_deprecated_before_it_retires(make_server: Any, read: Any) -> None:
    moment = [ANCHOR]
    server = make_server(now=lambda: moment[0])
    reader = read(server)

    def stage() -> list[tuple[str, str]]:
        asked = [("lifecycle[]", "deprecated"), ("lifecycle[]", "retired")]
        found = reader.get(server.url + "/v1/models", asked).json()["data"]
        name = "claude-sonnet-4-5-20250929"
        return [(one["lifecycle"], one["retires_at"]) for one in found if one["id"] == name]

    assert stage() == [("deprecated", "2026-11-30T00:00:00Z")]
    moment[0] = datetime(2026, 12, 1, tzinfo=UTC)
    assert stage() == [("retired", "2026-11-30T00:00:00Z")]


@pytest.mark.parametrize("trick", ["repeated_token", "duplicate_page"])
def test_token_pages_can_lie(make_server: Any, read: Any, trick: str) -> None:
    server = make_server()
    server.faults.add(trick, "rate_limits", times=1)
    reader = read(server)
    page = reader.get("rate_limits").json()
    again = reader.get("rate_limits", [("page", page["next_page"])]).json()
    assert (len(page["data"]), again["data"], again["next_page"]) == (13, page["data"], None)
