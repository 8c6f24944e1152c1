"""The official client library, used as a client of the sandbox."""

from typing import Any

import pytest

anthropic = pytest.importorskip("anthropic")


def test_the_official_sdk_lists_workspaces_keys_and_people(shared: Any) -> None:
    client = anthropic.Anthropic(api_key=shared.admin_key, base_url=shared.url, max_retries=0)
    organization = client.organization
    workspaces = list(organization.workspaces.list(include_default=True, include_archived=True, limit=5))
    assert len(workspaces) == 12
    assert [workspace.name for workspace in workspaces][:3] == ["search-prod", "support-bot", "code-review"]
    keys = list(organization.api_keys.list())
    assert len(keys) == 60
    assert {key.status for key in keys} == {"active", "inactive", "archived", "expired"}
    assert sum(key.scope.type == "organization" for key in keys) == 1
    assert len(list(organization.users.list(limit=10))) == 25


def test_the_official_sdk_lists_invites_members_and_models(shared: Any) -> None:
    client = anthropic.Anthropic(api_key=shared.admin_key, base_url=shared.url, max_retries=0)
    organization = client.organization
    assert {one.status for one in organization.invites.list(limit=3)} == {"pending", "accepted", "expired"}
    workspace = shared.sandbox.directory.workspace_ids["search-prod"]
    members = list(organization.workspaces.members.list(workspace, limit=10))
    assert len(members) > 20
    assert {one.workspace_id for one in members} == {workspace}
    models = list(client.models.list(limit=5, lifecycle=["active", "retired"]))
    assert {one.lifecycle for one in models} == {"active", "retired"}
    token = anthropic.Anthropic(auth_token=shared.sandbox.keys.oauth, base_url=shared.url, max_retries=0)
    accounts = list(token.organization.service_accounts.list(limit=2, include_archived=True))
    assert [one.name for one in accounts if one.archived_at] == ["old-importer"]


def test_the_official_sdk_lists_rate_limits_and_spend_limits(shared: Any) -> None:
    client = anthropic.Anthropic(api_key=shared.admin_key, base_url=shared.url, max_retries=0)
    entries = list(client.organization.rate_limits.list(limit=4))
    assert len(entries) == 13
    assert {"model_group", "batch", "files"} <= {one.group.type for one in entries}
    (opus,) = client.organization.rate_limits.list(model="claude-opus-5")
    assert (opus.group.display_name, opus.limits[0].value) == ("Claude Opus 5.x", 4000)
    workspace = shared.sandbox.directory.workspace_ids["support-bot"]
    (own,) = client.organization.workspaces.rate_limits.list(workspace)
    assert (own.limits[0].source.type, own.limits[0].value, own.limits[0].org_limit) == (
        "workspace",
        3_500_000,
        2_500_000,
    )
    assert len(list(client.organization.workspaces.rate_limits.list(workspace, include_inherited=True, limit=3))) == 13
    beta = ["spend-limit-reads-2026-09-26"]
    spend = list(client.beta.organization.spend_limits.list(betas=beta, limit=2, scope_type=["workspace"]))
    assert [(one.scope.type, one.period, one.amount) for one in spend][:2] == [
        ("workspace", "daily", "5000"),
        ("workspace", "monthly", None),
    ]


def test_the_official_sdk_understands_our_errors(shared: Any) -> None:
    client = anthropic.Anthropic(api_key="sk-ant-admin01-wrong", base_url=shared.url, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as caught:
        client.organization.workspaces.list()
    assert caught.value.request_id.startswith("req_")
