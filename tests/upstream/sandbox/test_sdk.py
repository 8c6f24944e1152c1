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


def test_the_official_sdk_understands_our_errors(shared: Any) -> None:
    client = anthropic.Anthropic(api_key="sk-ant-admin01-wrong", base_url=shared.url, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as caught:
        client.organization.workspaces.list()
    assert caught.value.request_id.startswith("req_")
