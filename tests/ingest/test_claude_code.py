"""Claude Code from the sandbox's answers to tables: each user's day, with estimates that are added to nothing else."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.claude_code import SOURCE, Reader, Recorder
from costwatch.ingest.models import Coverage, Novelty, Quarantined, RawBucket
from costwatch.ingest.plan import Planned, Why
from costwatch.ledger.claude_code import Numbered, user_days
from costwatch.ledger.models import (
    ClaudeCodeDay,
    ClaudeCodeDayRevision,
    ClaudeCodeUse,
    ClaudeCodeUseRevision,
    ReportedLine,
    SeriesDay,
)
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.errors import UpstreamError
from costwatch.upstream.pages import Window
from costwatch.upstream.sandbox.server import SandboxServer

SINCE, UNTIL = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC)
SPAN = Window(SINCE, UNTIL)
FIRST = Window(SINCE, SINCE + clock.DAY)
Sync = Callable[..., Recorder]
DIMS = ("actor_type", "actor", "customer_type", "subscription_type", "terminal_type", "is_remote")
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AdminClient]:
    with AdminClient(sandbox.url, lambda: Secret(sandbox.admin_key), tries=1) as opened:
        yield opened


@pytest.fixture
def sync(client: AdminClient, organization: Organization) -> Sync:
    """Read a window and record it, as a run does."""

    def once(window: Window = SPAN, *, run: int = 1, limit: int = 0) -> Recorder:
        recorder = Recorder(organization.pk, Numbered.of(organization.pk), run, fence=lambda: None)
        recorder.record(Reader(client).read(Planned(window, Why.MISSING), limit), clock.now())
        return recorder

    return once


def everything() -> list[Any]:
    return [
        sorted(ClaudeCodeDay.objects.values_list("day", "series_id", "num_sessions", "lines_added", "tool_actions")),
        sorted(ClaudeCodeUse.objects.values_list("day", "series_id", *TOKENS, "estimate", "estimate_cents")),
    ]


def sums(**wanted: str) -> tuple[int, ...]:
    rows = ClaudeCodeUse.objects.filter(**{f"series__{name}": value for name, value in wanted.items()})
    return tuple(map(sum, zip(*rows.values_list(*TOKENS, "estimate"), strict=True)))


def truth_of(sandbox: SandboxServer) -> tuple[int, ...]:
    """What the API paid for: the usage of its workspace, with the estimate at list."""
    workspace = sandbox.sandbox.directory.workspace_ids["Claude Code"]
    one = sandbox.truth.totals(SINCE, UNTIL, workspace_id=workspace)[()]
    writes = one.ephemeral_5m_input_tokens + one.ephemeral_1h_input_tokens
    return one.uncached_input_tokens, one.output_tokens, one.cache_read_input_tokens, writes, one.list_low


def test_tokens_and_estimates_equal_the_truth_to_the_pico_dollar(sync: Sync, sandbox: SandboxServer) -> None:
    sync()
    assert sums(customer_type="api") == truth_of(sandbox)
    assert sums(customer_type="subscription")[4] > 0


def test_a_day_is_one_request_and_its_pages_make_no_difference(sync: Sync, sandbox: SandboxServer) -> None:
    sync()
    asked = [one.query for one in sandbox.requests if one.path.endswith("claude_code")]
    assert asked == [f"starting_at=2026-11-{day}&limit=1000" for day in (10, 11, 12, 13)]
    before = everything()
    assert sync(run=2, limit=3).rows_changed == 0
    assert everything() == before


def test_estimates_are_in_no_other_cost(sync: Sync) -> None:
    sync()
    assert (ReportedLine.objects.count(), SeriesDay.objects.count()) == (0, 0)


def test_the_same_person_has_a_row_for_each_terminal_and_account(sync: Sync) -> None:
    sync()
    names = ("terminal_type", "is_remote", "customer_type", "subscription_type")
    for name in names:
        rest = [f"series__{dim}" for dim in DIMS if dim != name]
        seen = list(ClaudeCodeDay.objects.values_list("day", *rest))
        if name in ("terminal_type", "is_remote"):
            assert len(set(seen)) < len(seen)
    assert set(ClaudeCodeDay.objects.values_list("series__actor_type", flat=True)) == {"user_actor", "api_actor"}


def test_each_users_day_can_be_asked_for(sync: Sync, organization: Organization) -> None:
    sync()
    found = user_days(organization_id=organization.pk, since=date(2026, 11, 12), until=date(2026, 11, 13))
    assert len(found) == ClaudeCodeDay.objects.filter(day=date(2026, 11, 12)).count() > 10
    assert {one.day for one in found} == {date(2026, 11, 12)}
    estimates = [use.estimate for one in found for use in one.uses.values()]
    kept = ClaudeCodeUse.objects.filter(day=date(2026, 11, 12)).values_list("estimate", flat=True)
    assert sorted(estimates) == sorted(kept)
    assert set(found[0].tools) == {"edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool"}
    assert all(currency == "USD" for one in found for _, currency in one.uses)


def test_ing_01_reading_again_writes_nothing(sync: Sync) -> None:
    sync()
    before = everything()
    assert sync(run=2).rows_changed == 0
    assert everything() == before
    assert (ClaudeCodeDayRevision.objects.count(), ClaudeCodeUseRevision.objects.count()) == (0, 0)
    assert set(Coverage.objects.values_list("source", "state")) == {(SOURCE, "settled")}
    assert RawBucket.objects.filter(source=SOURCE).count() == 4


@pytest.mark.parametrize("change", ["up", "down", "vanish"])
def test_ing_05_a_restated_day_is_replaced_as_a_set(sync: Sync, sandbox: SandboxServer, change: str) -> None:
    sync()
    before, rows = sums(), ClaudeCodeUse.objects.count()
    sandbox.restate(date(2026, 11, 12), change=change, workspace="Claude Code")
    sync(run=2)
    assert sums(customer_type="api") == truth_of(sandbox)
    moved = ClaudeCodeUseRevision.objects.values_list(*TOKENS, "estimate")
    assert tuple(map(sum, zip(*moved, strict=True))) == tuple(a - b for a, b in zip(sums(), before, strict=True))
    assert (ClaudeCodeUse.objects.count() < rows) is (change == "vanish")
    assert Coverage.objects.get(start__day=12).state == "revised"
    said = ClaudeCodeDayRevision.objects.values_list("tool_actions", flat=True)
    assert all(json.loads(text) for text in said)


def test_today_grows_without_revisions(sync: Sync, sandbox: SandboxServer) -> None:
    today = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    sync(today)
    before = sums()
    with clock.frozen("2026-11-20T17:05:00Z"):
        sync(today, run=2)
    assert sums() > before
    assert ClaudeCodeUseRevision.objects.count() == 0
    assert Coverage.objects.get().state == "open"


@pytest.mark.parametrize("kind", ["truncate", "lost_token", "repeated_token", "duplicate_page", "empty"])
def test_ing_09_ing_10_half_an_answer_is_never_committed(sync: Sync, sandbox: SandboxServer, kind: str) -> None:
    sync(FIRST)
    before = everything()
    sandbox.restate(date(2026, 11, 10), change="up", workspace="Claude Code")
    sandbox.faults.add(kind, path="claude_code", after=1, times=None)
    with pytest.raises(UpstreamError):
        sync(limit=5)
    assert everything() == before
    assert Coverage.objects.count() == 1


RECORD: dict[str, Any] = {
    "actor": {"type": "user_actor", "email_address": "ada@example.com"},
    "core_metrics": {
        "commits_by_claude_code": 1,
        "lines_of_code": {"added": 20, "removed": 3},
        "num_sessions": 4,
        "pull_requests_by_claude_code": 0,
    },
    "customer_type": "api",
    "date": "2026-11-10T00:00:00Z",
    "is_remote": False,
    "organization_id": "00000000-0000-0000-0000-000000000000",
    "terminal_type": "tmux",
    "tool_actions": {"edit_tool": {"accepted": 5, "rejected": 1}},
}


def use(model: str = "m", amount: str = "186", **tokens: int) -> str:
    counted = {"cache_creation": 1, "cache_read": 2, "input": 3, "output": 4, **tokens}
    cost = f'{{"amount": {amount}, "currency": "USD"}}'
    return f'{{"model": "{model}", "estimated_cost": {cost}, "tokens": {json.dumps(counted)}}}'


def record(*uses: str, **fields: Any) -> str:
    """A record as JSON: numbers stand in it as they are written here."""
    return json.dumps({**RECORD, **fields})[:-1] + f', "model_breakdown": [{", ".join(uses)}]}}'


def say(sandbox: SandboxServer, *records: str) -> None:
    """Have the next answer hold these records."""
    text = f'{{"data": [{", ".join(records)}], "has_more": false, "next_page": null}}'
    sandbox.faults.add("body", path="claude_code", text=text)


def test_an_estimate_is_a_decimal_and_never_a_float(sync: Sync, sandbox: SandboxServer) -> None:
    amounts = ("186", "0.1", "1.8602e2", "0.00000000005", "123456.000000000149", "-2.5", "0")
    say(sandbox, record(*(use(f"m{place}", amount) for place, amount in enumerate(amounts))))
    sync(FIRST)
    rows = ClaudeCodeUse.objects.order_by("series__model").values_list("estimate", "estimate_cents")
    assert list(rows)[:4] == [
        (1_860_000_000_000, "186"),
        (1_000_000_000, "0.1"),
        (1_860_200_000_000, "186.02"),
        (0, "5E-11"),
    ]
    assert list(rows)[4:] == [
        (1_234_560_000_000_001, "123456.000000000149"),
        (-25_000_000_000, "-2.5"),
        (0, "0"),
    ]


def test_records_of_one_user_and_one_model_are_added_up(
    sync: Sync, sandbox: SandboxServer, organization: Organization
) -> None:
    """Two keys may have one name."""
    key = {"type": "api_actor", "api_key_name": "ci"}
    say(sandbox, record(use(), actor=key), record(use(input=10), use("n"), actor=key, tool_actions={}))
    sync(FIRST)
    (one,) = user_days(organization_id=organization.pk, since=date(2026, 11, 10), until=date(2026, 11, 11))
    assert (one.user.actor_type, one.user.actor) == ("api_actor", "ci")
    assert (one.metrics.num_sessions, one.metrics.lines_added, one.tools) == (8, 40, {"edit_tool": (5, 1)})
    assert one.uses["m", "USD"][:5] == (13, 8, 4, 2, 3_720_000_000_000)
    assert one.uses["n", "USD"].estimate == 1_860_000_000_000
    assert Novelty.objects.get().path == "(the same user, terminal and account twice in one day)"


def test_ing_15_a_bad_record_is_set_aside_and_the_others_are_kept(sync: Sync, sandbox: SandboxServer) -> None:
    bad = [
        record(use(amount='"NaN"')),
        record(use(amount="1e400")),
        record(use(amount="true")),
        record(use(input=-1)),
        record(use(), date="2026-11-11T00:00:00Z"),
        record(use(), actor="ada"),
        "7",
    ]
    good = [record(use(), terminal_type=f"t{number}") for number in range(93)]
    say(sandbox, *good, *bad)
    sync(FIRST)
    assert (ClaudeCodeDay.objects.count(), sums()[4]) == (93, 93 * 1_860_000_000_000)
    reasons = list(Quarantined.objects.values_list("reason", flat=True))
    assert len(reasons) == 7
    assert "NaN is no amount - at `$.model_breakdown[].estimated_cost.amount`" in reasons
    assert "2026-11-11T00:00:00Z is not the day that was asked for - at `$.date`" in reasons
    assert Coverage.objects.values_list("state", "rejected").get() == ("inconsistent", 7)


def test_ing_11_new_fields_and_values_are_noted_and_the_record_is_kept(sync: Sync, sandbox: SandboxServer) -> None:
    newer = {
        "mood": "good",
        "customer_type": "partner",
        "subscription_type": "max",
        "actor": {"type": "bot", "name": "b"},
    }
    newer["tool_actions"] = {"new_tool": {"accepted": 1, "rejected": 2, "postponed": 3}}
    say(sandbox, record(use(amount="0.30000000000000004", thinking=5), **newer))
    sync(FIRST)
    row = ClaudeCodeDay.objects.values_list("series__actor_type", "series__customer_type", "tool_actions").get()
    assert row == ("bot", "partner", '{"new_tool":[1,2]}')
    # Through the slower way, and still not through a float.
    assert ClaudeCodeUse.objects.values_list("estimate", "estimate_cents").get() == (
        3_000_000_000,
        "0.30000000000000004",
    )
    assert set(Novelty.objects.values_list("path", "value")) == {
        ("mood", ""),
        ("actor.name", ""),
        ("actor.type", "bot"),
        ("customer_type", "partner"),
        ("subscription_type", "max"),
        ("tool_actions.new_tool.postponed", ""),
        ("model_breakdown[].tokens.thinking", ""),
    }


def test_older_records_have_no_remote_and_no_subscription(sync: Sync, sandbox: SandboxServer) -> None:
    old = {name: value for name, value in RECORD.items() if name != "is_remote"}
    text = json.dumps({**old, "subscription_type": None, "terminal_type": None})[:-1] + ', "model_breakdown": []}'
    say(sandbox, text)
    sync(FIRST)
    assert ClaudeCodeDay.objects.values_list(*(f"series__{name}" for name in DIMS)).get() == (
        "user_actor",
        "ada@example.com",
        "api",
        "",
        "",
        False,
    )
    assert Novelty.objects.count() == 0
