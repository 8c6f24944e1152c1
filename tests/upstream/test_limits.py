"""Reading limits and lists through the client: both shapes, every page, and answers that cannot be trusted."""

import json
from typing import Any

import pytest

from costwatch.upstream import catalogue, limits, organization
from costwatch.upstream.errors import Malformed, Refused
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Make


def answer(sandbox: SandboxServer, path: str, *objects: object, next_page: str | None = None, times: int = 1) -> None:
    """Make the sandbox answer these objects, whatever it is asked."""
    text = json.dumps({"data": objects, "next_page": next_page, "newer": 1})
    sandbox.faults.add("body", path, times=times, text=text)


def test_it_reads_the_organizations_rate_limits(make: Make) -> None:
    entries = [entry for entry, _ in limits.rate_limits(make())]
    opus = next(one for one in entries if one.display_name == "Claude Opus 5.x")
    assert (opus.kind, opus.group_id[:4], opus.models) == (
        "model_group",
        "rlg_",
        ["claude-opus-5", "claude-opus-5-5"],
    )
    values = {one.type: one.value for one in opus.limits}
    assert (values["requests_per_minute"], values["output_tokens_per_minute"]) == (4000, 600_000)
    assert len(entries) == 13


def test_it_reads_a_workspaces_limits_with_and_without_what_it_inherits(make: Make, sandbox: SandboxServer) -> None:
    workspace = sandbox.sandbox.directory.workspace_ids["support-bot"]
    ((own, _),) = limits.workspace_rate_limits(make(), workspace, with_inherited=False)
    assert [(one.type, one.value, one.org_limit, one.comes_from) for one in own.limits] == [
        ("input_tokens_per_minute_cache_aware", 3_500_000, 2_500_000, "workspace"),
        ("output_tokens_per_minute", 680_000, 800_000, "workspace"),
    ]
    inherited = [entry for entry, _ in limits.workspace_rate_limits(make(), workspace)]
    sources = [one.comes_from for entry in inherited for one in entry.limits]
    assert (sources.count("workspace"), sources.count("organization")) == (2, 31)


def test_it_reads_the_old_shape_without_ids_groups_and_sources(make: Make, sandbox: SandboxServer) -> None:
    sandbox.sandbox.offer.change(rate_limits="old")
    entries = [entry for entry, _ in limits.rate_limits(make())]
    assert (entries[0].kind, entries[0].group_id, entries[0].id) == ("model_group", "", "")
    workspace = sandbox.sandbox.directory.workspace_ids["search-prod"]
    with pytest.raises(Refused, match="include_inherited"):
        list(limits.workspace_rate_limits(make(), workspace))
    own = [entry for entry, _ in limits.workspace_rate_limits(make(), workspace, with_inherited=False)]
    assert {one.comes_from for entry in own for one in entry.limits} == {"workspace"}


def test_fields_it_has_no_name_for_are_kept_and_missing_ones_are_empty(make: Make, sandbox: SandboxServer) -> None:
    answer(sandbox, "rate_limits", {"limits": [{"type": "new_limiter", "value": None}], "burst": {"seconds": 3}})
    ((entry, extra),) = limits.rate_limits(make())
    assert (entry.kind, entry.models, entry.limits[0].value, extra) == ("", None, None, {"burst": {"seconds": 3}})


def test_it_reads_spend_limits_with_their_beta_header(make: Make) -> None:
    found = [one for one, _ in limits.spend_limits(make())]
    assert [(one.scope_type, one.period, one.amount) for one in found][2:] == [
        ("workspace", "weekly", "1500000"),
        ("workspace", "monthly", "25000000"),
        ("organization", "monthly", "45000000"),
        ("usage_tier", "monthly", "60000000"),
    ]
    assert found[1].amount is None
    assert found[0].workspace_id


def test_token_pages_are_followed_to_their_end(make: Make, sandbox: SandboxServer) -> None:
    one: dict[str, Any] = {"id": "spl_1", "scope": {"type": "organization"}, "amount": 500}
    answer(sandbox, "spend_limits", one, next_page="page_2")
    answer(sandbox, "spend_limits", {**one, "id": "spl_2"}, next_page="page_3")
    answer(sandbox, "spend_limits")
    assert [(found.id, found.amount) for found, _ in limits.spend_limits(make())] == [("spl_1", 500), ("spl_2", 500)]
    assert [entry.query for entry in sandbox.requests] == ["", "page=page_2", "page=page_3"]


def test_token_pages_that_go_in_a_circle_are_refused(make: Make, sandbox: SandboxServer) -> None:
    sandbox.faults.add("body", "spend_limits", times=None, text='{"data":[],"next_page":"page_1"}')
    with pytest.raises(Malformed, match="the pages go in a circle"):
        list(limits.spend_limits(make()))
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('{"next_page":null}', "data"),
        ('{"data":[{"id":"x"}]}', r"\$\.data\[0\]"),
        ('{"data":[{"limits":[{"value":1}]}]}', r"\$\.data\[0\].*limits"),
        ('{"data":[{"limits":[{"type":"x","value":"many"}]}]}', "value"),
        ("[]", "array"),
    ],
)
def test_an_answer_that_is_not_what_the_contract_says_names_the_place(
    make: Make, sandbox: SandboxServer, body: str, path: str
) -> None:
    sandbox.faults.add("body", "rate_limits", text=body)
    with pytest.raises(Malformed, match=path):
        list(limits.rate_limits(make()))


@pytest.mark.parametrize(("shape", "status"), [("missing", 404), ("forbidden", 403)])
def test_an_organization_without_limits_is_told_in_the_vendors_sentence(
    make: Make, sandbox: SandboxServer, shape: str, status: int
) -> None:
    sandbox.sandbox.offer.change(rate_limits=shape, spend_limits=shape)
    for read in (limits.rate_limits, limits.spend_limits):
        with pytest.raises(Refused, match="organization") as caught:
            list(read(make()))
        assert caught.value.status == status


def test_it_reads_invites_and_the_members_of_a_workspace(make: Make, sandbox: SandboxServer) -> None:
    invites = [one for one, _ in organization.invites(make())]
    assert (invites[0].email, invites[0].status, invites[0].accepted_at) == ("noor.haddad@example.com", "pending", None)
    workspace = sandbox.sandbox.directory.workspace_ids["search-prod"]
    members = [one for one, _ in organization.workspace_members(make(), workspace)]
    assert len(members) > 20
    assert {one.workspace_id for one in members} == {workspace}


def test_service_accounts_are_refused_to_an_admin_key(make: Make, sandbox: SandboxServer) -> None:
    with pytest.raises(Refused, match="requires an OAuth token") as caught:
        list(organization.service_accounts(make()))
    assert (caught.value.status, caught.value.is_about_the_key) == (403, True)
    answer(sandbox, "service_accounts", {"id": "svac_1", "name": "ci", "organization_role": "developer"})
    ((one, _),) = organization.service_accounts(make())
    assert (one.id, one.description, one.archived_at) == ("svac_1", None, None)


def test_it_reads_models_of_today_and_of_older_deployments(make: Make, sandbox: SandboxServer) -> None:
    stages = {one.id: one.lifecycle for one, _ in catalogue.models(make())}
    assert (stages["claude-opus-5-5"], stages["claude-opus-4-1-20250805"]) == ("active", "retired")
    sandbox.sandbox.offer.change(models="old")
    with pytest.raises(Refused, match="lifecycle"):
        list(catalogue.models(make()))
    older = [one for one, _ in catalogue.models(make(), with_retired=False)]
    assert (older[0].id, older[0].lifecycle, older[0].line) == ("claude-fable-5-2", None, None)
