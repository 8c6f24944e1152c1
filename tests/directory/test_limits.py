"""Limits in the mirror: what is kept, what is told, and what was in force at a moment."""

import json

import pytest

from costwatch import clock
from costwatch.directory.limits import Group, Limit, Limits, limits_at, limits_now
from costwatch.directory.mirror.limits import group_of
from costwatch.directory.models import Organization, RateLimit, RateLimitGroup, Reading, SpendLimit, Workspace
from costwatch.ledger.limit_hours import LimitHistory
from costwatch.upstream.errors import Refused
from costwatch.upstream.limits import RateLimit as Entry
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import At, Read, told

CACHE_AWARE, OTPM = "input_tokens_per_minute_cache_aware", "output_tokens_per_minute"
OPUS = Group("rlg_opus", "model_group", "Claude Opus 5.x", ("claude-opus-5", "claude-opus-5-5"))
BATCH = Group("rlg_batch", "batch", "", None)


def key(name: str) -> str:
    return Workspace.objects.get(name=name).key


def found(limits: Limits, name: str, workspace_key: str = "") -> dict[str, Limit]:
    """The limits of a group by their limiters."""
    return {one.limiter: one for one in limits.of(workspace_key) if one.group.name == name}


def set_limits(sandbox: SandboxServer, *values: int | None, models: list[str] | None = None) -> None:
    """Make the organization have one group with one limiter of this value in each of the next answers."""
    for value in values:
        group = {"id": "rlg_1", "type": "model_group", "display_name": "Claude Own"}
        entry = {"id": "rlim_1", "group": group, "models": models, "limits": [{"type": "rpm", "value": value}]}
        body = json.dumps({"data": [entry], "next_page": None})
        sandbox.faults.add("body", "organizations/rate_limits", text=body)


def test_the_organizations_limits_and_what_workspaces_set_are_kept(read: Read, company: Organization) -> None:
    read("workspaces")
    assert read("rate_limits") == 33 + 10
    assert RateLimitGroup.objects.count() == 13
    assert RateLimit.objects.filter(workspace_key="").count() == 33
    assert set(RateLimit.objects.exclude(workspace_key="").values_list("source", flat=True)) == {"workspace"}
    own = RateLimit.objects.get(workspace_key=key("support-bot"), limiter=CACHE_AWARE)
    assert (own.value, own.org_limit) == (3_500_000, 2_500_000)
    opus = RateLimitGroup.objects.get(name="Claude Opus 5.x")
    assert (opus.kind, opus.model_names) == ("model_group", ["claude-opus-5", "claude-opus-5-5"])
    assert opus.external_id.startswith("rlg_")


def test_what_a_workspace_inherits_is_shown_as_inherited(read: Read, company: Organization) -> None:
    read("workspaces", "rate_limits")
    search = found(limits_now(company), "Claude Opus 5.x", key("search-prod"))
    own, inherited = search[OTPM], search["requests_per_minute"]
    assert (own.value, own.is_inherited, own.is_capped) == (500_000, False, False)
    assert (inherited.value, inherited.is_inherited) == (4000, True)
    assert not any(one.is_inherited for one in limits_now(company).of())
    assert all(one.is_inherited for one in limits_now(company).of("default"))


def test_a_value_above_the_organizations_is_capped(read: Read, company: Organization) -> None:
    read("workspaces", "rate_limits")
    own = found(limits_now(company), "Claude Sonnet 5.x", key("support-bot"))[CACHE_AWARE]
    assert (own.value, own.configured, own.is_capped, own.is_inherited) == (2_500_000, 3_500_000, True, False)


def test_a_value_where_the_organization_has_none_stands(read: Read, company: Organization) -> None:
    read("workspaces", "rate_limits")
    own = found(limits_now(company), "Claude Opus 5.x", key("research"))["tokens_per_day"]
    assert (own.value, own.is_capped, own.is_inherited) == (120_000_000, False, False)
    assert "tokens_per_day" not in found(limits_now(company), "Claude Opus 5.x")


def test_limits_are_worked_out_from_values_alone() -> None:
    values = {
        "": {("rlg_opus", "rpm"): 100, ("rlg_opus", "otpm"): None, ("rlg_batch", "rpm"): 7},
        "wrkspc_1": {("rlg_opus", "rpm"): 250, ("rlg_opus", "otpm"): 9, ("rlg_new", "rpm"): 3},
    }
    limits = Limits({"rlg_opus": OPUS, "rlg_batch": BATCH}, values, None)
    assert limits.of("wrkspc_1") == (
        Limit(OPUS, "otpm", 9, 9, False, "workspace"),
        Limit(OPUS, "rpm", 100, 250, False, "workspace"),
        Limit(Group("rlg_new", "", "", None), "rpm", 3, 3, False, "workspace"),
        Limit(BATCH, "rpm", 7, 7, True),
    )
    assert limits.of() == (
        Limit(OPUS, "otpm", None, None, False),
        Limit(OPUS, "rpm", 100, 100, False),
        Limit(BATCH, "rpm", 7, 7, False),
    )
    assert limits.group_of("claude-opus-5") is OPUS
    assert limits.group_of("claude-lynx-1-preview") is None


def test_a_changed_limit_is_told_with_both_values(read: Read, at: At, sandbox: SandboxServer) -> None:
    read("workspaces", "rate_limits", "spend_limits")
    at("2026-11-21T14:05:00Z")
    read("rate_limits", "spend_limits")
    assert told() == [
        ("rate_limit", "changed", f"Claude Sonnet 5.x: {CACHE_AWARE}", {"value": [2_500_000, 3_000_000]}),
        ("spend_limit", "changed", "workspace daily", {"amount_cents": ["5000", "7500"]}),
    ]


def test_limits_of_a_moment_are_those_read_last_before_it(read: Read, company: Organization, at: At) -> None:
    """A limit rises on the 21st, a model moves on the 22nd, research sets one on the 23rd, code-review drops one."""
    read("workspaces", "rate_limits")
    for day in (21, 22, 23, 25):
        at(f"2026-11-{day}T14:05:00Z")
        read("rate_limits")
    research, review = key("research"), key("code-review")

    def seen(moment: str) -> tuple[int | None, str, bool, int | None]:
        limits = limits_at(company, clock.parse(moment))
        group = limits.group_of("claude-opus-4-8")
        assert group
        return (
            found(limits, "Claude Sonnet 5.x")[CACHE_AWARE].value,
            group.name,
            found(limits, "Claude Fable 5.x", research)["requests_per_minute"].is_inherited,
            found(limits, "Claude Opus 5.x", review)[CACHE_AWARE].value,
        )

    assert seen("2026-11-20T14:05:00Z") == (2_500_000, "Claude Opus 4.x", True, 1_100_000)
    assert seen("2026-11-21T14:04:59Z") == (2_500_000, "Claude Opus 4.x", True, 1_100_000)
    assert seen("2026-11-21T14:05:00Z") == (3_000_000, "Claude Opus 4.x", True, 1_100_000)
    assert seen("2026-11-22T14:05:00Z") == (3_000_000, "Claude Opus 5.x", True, 1_100_000)
    assert seen("2026-11-23T14:05:00Z") == (3_000_000, "Claude Opus 5.x", False, 1_100_000)
    assert seen("2026-11-26T00:00:00Z") == (3_000_000, "Claude Opus 5.x", False, 2_200_000)
    assert limits_at(company, clock.now()) == limits_now(company)
    assert limits_now(company).known_since == clock.parse("2026-11-20T14:05:00Z")
    # Before the first reading: what was found then.
    assert seen("2026-01-01T00:00:00Z") == seen("2026-11-20T14:05:00Z")
    # Where nothing has changed since, they are those of now.
    history = LimitHistory(company)
    for moment in ("2026-01-01T00:00:00Z", *(f"2026-11-{day}T14:05:00Z" for day in (20, 21, 22, 23, 24, 25))):
        at_it = clock.parse(moment)
        assert history.at(at_it) == limits_at(company, at_it)
    assert history.at(clock.parse("2026-11-25T14:05:00Z")) is history.at(clock.now())
    assert history.at(clock.now()) == limits_now(company)


def test_a_limit_that_goes_and_comes_back_is_followed(
    read: Read, company: Organization, at: At, sandbox: SandboxServer
) -> None:
    set_limits(sandbox, 10)
    read("rate_limits")
    at("2026-11-20T15:05:00Z")
    sandbox.faults.add("body", "organizations/rate_limits", text='{"data":[],"next_page":null}')
    read("rate_limits")
    at("2026-11-20T16:05:00Z")
    set_limits(sandbox, 30)
    read("rate_limits")
    at("2026-11-20T17:05:00Z")
    set_limits(sandbox, 40)
    read("rate_limits")
    assert [change[1:] for change in told("rate_limit")] == [
        ("gone", "rlg_1: rpm", {}),
        ("returned", "Claude Own: rpm", {"value": [10, 30]}),
        ("changed", "Claude Own: rpm", {"value": [30, 40]}),
    ]
    values = [
        [one.value for one in limits_at(company, clock.parse(f"2026-11-20T{hour}:30:00Z")).of()]
        for hour in (14, 15, 16, 17)
    ]
    assert values == [[10], [], [30], [40]]


def test_a_limit_beyond_64_bits_and_one_without_a_value_are_kept(
    read: Read, company: Organization, sandbox: SandboxServer
) -> None:
    set_limits(sandbox, 2**53 - 1, 2**80, None)
    values = []
    for _ in range(3):
        read("rate_limits")
        values += [one.value for one in limits_now(company).of()]
    assert values == [2**53 - 1, 2**63 - 1, None]


def test_the_old_shape_is_read_without_what_it_does_not_know(
    read: Read, company: Organization, sandbox: SandboxServer
) -> None:
    sandbox.sandbox.offer.change(rate_limits="old")
    read("workspaces", "rate_limits")
    asked = [entry.query for entry in sandbox.requests if entry.path.endswith("/rate_limits")]
    assert asked.count("include_inherited=true") == 1
    limits = limits_now(company)
    group = limits.group_of("claude-opus-5-5")
    assert group
    assert (group.id, group.kind, group.name) == ("model_group/claude-opus-5", "model_group", "")
    own = {one.limiter: one for one in limits.of(key("search-prod")) if one.group == group}
    assert (own[OTPM].value, own[OTPM].is_inherited, own["requests_per_minute"].is_inherited) == (500_000, False, True)
    assert "batch" in limits.groups


def test_a_group_without_an_id_is_known_again_by_its_models(read: Read, at: At, sandbox: SandboxServer) -> None:
    """In the old shape too, a model that joins or leaves changes a group and makes no new one."""
    sandbox.sandbox.offer.change(rate_limits="old")
    read("workspaces", "rate_limits")
    at("2026-11-22T14:05:00Z")
    read("rate_limits")
    changes = told("rate_limit_group")
    assert [(what, sorted(fields)) for _, what, _, fields in changes] == [("changed", ["model_names"])] * 2
    assert changes[0][3]["model_names"][1] == ["claude-opus-5", "claude-opus-5-5", "claude-opus-4-8"]


def test_the_new_shape_keeps_what_was_read_in_it_when_the_old_one_comes(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces", "rate_limits")
    sandbox.sandbox.offer.change(rate_limits="old")
    read("rate_limits")
    assert RateLimitGroup.objects.filter(gone_at=None).count() == 13
    assert all(row.external_id.startswith("rlg_") for row in RateLimitGroup.objects.all())
    assert told("rate_limit") == []


@pytest.mark.parametrize(
    ("models", "kind", "expected"),
    [
        (["a", "b", "c"], "model_group", "rlg_1"),
        (["c", "d"], "model_group", "rlg_2"),
        (["x"], "model_group", "model_group/x"),
        (None, "batch", "rlg_3"),
        (None, "files", "files"),
        ([], "model_group", "model_group"),
    ],
)
def test_an_entry_belongs_to_the_group_it_shares_most_models_with(
    models: list[str] | None, kind: str, expected: str
) -> None:
    known = {
        "rlg_1": ("model_group", ("a", "b")),
        "rlg_2": ("model_group", ("c", "d", "e")),
        "rlg_3": ("batch", ()),
    }
    assert group_of(Entry(limits=[], group_type=kind, models=models), known) == expected


@pytest.mark.parametrize(("answer", "status"), [("missing", 404), ("forbidden", 403)])
def test_an_organization_without_limits_keeps_what_it_had(
    read: Read, sandbox: SandboxServer, answer: str, status: int
) -> None:
    read("workspaces", "rate_limits", "spend_limits")
    sandbox.sandbox.offer.change(rate_limits=answer, spend_limits=answer)
    for kind in ("rate_limits", "spend_limits"):
        with pytest.raises(Refused) as caught:
            read(kind)
        assert caught.value.status == status
    assert RateLimit.objects.filter(gone_at=None).count() == 43
    assert SpendLimit.objects.filter(gone_at=None).count() == 6
    assert told() == []


def test_overrides_of_an_archived_workspace_are_gone(read: Read) -> None:
    read("workspaces", "rate_limits")
    evals = key("evals")
    Workspace.objects.filter(key=evals).update(archived_at=clock.now())
    read("rate_limits")
    assert [(what, name) for _, what, name, _ in told()] == [("gone", f"Claude Opus 5.x: {CACHE_AWARE}")]
    assert evals in Reading.objects.get(kind="rate_limit").workspaces


def test_spend_limits_are_kept_as_the_vendor_wrote_them(read: Read) -> None:
    read("workspaces")
    assert read("spend_limits") == 6
    rows = SpendLimit.objects.order_by("created_at")
    assert [(row.scope, row.period, row.amount_cents, row.currency) for row in rows][:3] == [
        ("usage_tier", "monthly", "60000000", "USD"),
        ("organization", "monthly", "45000000", "USD"),
        ("workspace", "monthly", "25000000", "USD"),
    ]
    assert SpendLimit.objects.get(workspace_key=key("evals")).amount_cents is None
    assert {row.workspace_key for row in rows[:2]} == {""}


def test_a_spend_limit_of_the_default_workspace_is_named_as_in_reports(read: Read, sandbox: SandboxServer) -> None:
    read("workspaces")
    scope = {"type": "workspace", "workspace_id": sandbox.sandbox.directory.default_id}
    limit = {"id": "spl_1", "scope": scope, "amount": 500, "currency": "EUR", "period": "hourly", "is_enabled": False}
    sandbox.faults.add("body", "spend_limits", text=json.dumps({"data": [limit], "next_page": None}))
    read("spend_limits")
    row = SpendLimit.objects.get()
    assert (row.workspace_key, row.amount_cents, row.currency, row.period) == ("default", "500", "EUR", "hourly")
    assert row.is_enabled is False


def test_a_spend_limit_of_a_scope_we_have_no_column_for_keeps_what_it_says(read: Read, sandbox: SandboxServer) -> None:
    limit = {"id": "spl_1", "scope": {"type": "user", "user_id": "user_1"}, "amount": "1"}
    sandbox.faults.add("body", "spend_limits", text=json.dumps({"data": [limit], "next_page": None}))
    read("spend_limits")
    row = SpendLimit.objects.get()
    assert (row.scope, row.workspace_key, row.extra) == ("user", "", {"scope": {"type": "user", "user_id": "user_1"}})
