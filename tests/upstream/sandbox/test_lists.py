"""The lists: cursors, hidden objects, and shapes old and new."""

from typing import Any

import pytest


def listed(reader: Any, path: str, *params: tuple[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: list[tuple[str, str]] = []
    while True:
        page = reader.get(path, [*params, *after]).json()
        found += page["data"]
        assert page["first_id"] == page["data"][0]["id"]
        assert page["last_id"] == page["data"][-1]["id"]
        if not page["has_more"]:
            return found
        after = [("after_id", page["last_id"])]


def test_the_default_and_archived_workspaces_are_hidden_until_asked_for(reader: Any) -> None:
    names = [workspace["name"] for workspace in listed(reader, "workspaces")]
    assert "Default" not in names
    assert "legacy-importer" not in names
    assert len(names) == 10
    assert len(listed(reader, "workspaces", ("include_default", "true"))) == 11
    everything = listed(reader, "workspaces", ("include_default", "true"), ("include_archived", "true"))
    assert len(everything) == 12
    assert [workspace["name"] for workspace in everything if workspace["archived_at"]] == ["legacy-importer"]


def test_workspaces_have_old_and_new_shapes(reader: Any) -> None:
    everything = {
        workspace["name"]: workspace
        for workspace in listed(reader, "workspaces", ("include_default", "true"), ("include_archived", "true"))
    }
    assert everything["search-prod"]["data_residency"]["allowed_inference_geos"] == ["us", "global"]
    assert everything["research"]["data_residency"]["allowed_inference_geos"] == "unrestricted"
    assert everything["search-prod"]["tags"] == {"env": "prod", "team": "search"}
    assert set(everything["docs-assistant"]) == {"id", "type", "name", "created_at", "archived_at", "display_color"}
    assert everything["evals"]["review_policy"] == {"mode": "quarterly", "next": None}
    assert any(name.startswith("<script>") for name in everything)


def test_keys_come_twenty_at_a_time(reader: Any) -> None:
    page = reader.get("api_keys").json()
    assert (len(page["data"]), page["has_more"]) == (20, True)
    assert len(listed(reader, "api_keys")) == 60
    assert listed(reader, "api_keys") == reader.get("api_keys", [("limit", "1000")]).json()["data"]


def test_pages_can_be_read_backwards(reader: Any) -> None:
    forward = [key["id"] for key in listed(reader, "api_keys")]
    page = reader.get("api_keys", [("before_id", forward[30]), ("limit", "10")]).json()
    assert [key["id"] for key in page["data"]] == forward[20:30]
    assert page["has_more"] is True
    first = reader.get("api_keys", [("before_id", forward[5]), ("limit", "10")]).json()
    assert ([key["id"] for key in first["data"]], first["has_more"]) == (forward[:5], False)


@pytest.mark.parametrize(
    "params",
    [
        [("limit", "1001")],
        [("limit", "0")],
        [("after_id", "apikey_nobody")],
        [("status", "sleeping")],
        [("page", "x")],
        [("after_id", "a"), ("before_id", "b")],
    ],
)
def test_wrong_list_parameters_are_400(reader: Any, params: list[tuple[str, str]]) -> None:
    assert reader.get("api_keys", params).status_code == 400


def test_keys_show_every_status_scope_and_creator(reader: Any, shared: Any) -> None:
    keys = listed(reader, "api_keys")
    members = {user["id"] for user in listed(reader, "users")}
    assert {key["status"] for key in keys} == {"active", "inactive", "archived", "expired"}
    assert sum(key["scope"] == {"type": "organization"} for key in keys) == 1
    default = [key for key in keys if key["scope"].get("workspace_id") == shared.sandbox.directory.default_id]
    assert len(default) == 3
    assert all(key["workspace_id"] is None for key in default)
    creators = [key["created_by"] for key in keys]
    assert None in creators
    assert {creator["type"] for creator in creators if creator} == {"user", "service_account"}
    assert any(creator["type"] == "user" and creator["id"] not in members for creator in creators if creator)
    assert sum(key["expires_at"] is not None for key in keys) == 4


def test_keys_can_be_filtered(reader: Any, shared: Any) -> None:
    workspace = shared.sandbox.directory.workspace_ids["research"]
    assert len(listed(reader, "api_keys", ("workspace_id", workspace))) == 6
    assert len(listed(reader, "api_keys", ("status", "archived"))) == 3


def test_the_newest_version_drops_the_deprecated_workspace_of_a_key(reader: Any) -> None:
    old = reader.get("api_keys").json()["data"][0]
    new = reader.get("api_keys", anthropic_version="2026-10-21").json()["data"][0]
    assert set(old) - set(new) == {"workspace_id"}
    assert reader.get("api_keys", anthropic_version="2020-01-01").status_code == 400


def test_names_are_hostile(reader: Any) -> None:
    names = [key["name"] for key in listed(reader, "api_keys")]
    for part in (
        "=HYPERLINK(",
        "\u202e",
        "\u200b",
        "👩‍👩‍👧‍👦",
        "{{7*7}}",
        "\r\nBcc:",
        "\x1b[31m",
        "x" * 200,
        "onerror",
    ):
        assert any(part in name for name in names), part


def test_people_have_roles_one_of_them_unknown(reader: Any) -> None:
    users = listed(reader, "users")
    assert len(users) == 25
    assert "auditor" in {user["role"] for user in users}
    assert len(listed(reader, "users", ("roles[]", "admin"))) == 2


def test_single_objects_can_be_read(reader: Any, shared: Any) -> None:
    default = shared.sandbox.directory.default_id
    assert reader.get(f"workspaces/{default}").json()["name"] == "Default"
    assert reader.get("workspaces/wrkspc_nobody").status_code == 404
    assert reader.get("teams").status_code == 404
