"""The analytics from the sandbox's answers to tables: exact, replaced as sets, a cut read commits nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.analytics import COST_COVERAGE, USAGE_COVERAGE, Reader, Recorder
from costwatch.ingest.models import Coverage, Novelty, Quarantined, RawBucket
from costwatch.ingest.plan import Planned, Why
from costwatch.ledger.analytics import Numbered, cost_by_day, requests_by_day
from costwatch.ledger.models import (
    COUNTS,
    AnalyticsCost,
    AnalyticsCostRevision,
    AnalyticsCostSeries,
    AnalyticsSeries,
    AnalyticsUsage,
    AnalyticsUsageRevision,
)
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.errors import Malformed, Refused, UpstreamError
from costwatch.upstream.pages import Window
from costwatch.upstream.sandbox.server import SandboxServer

SINCE, UNTIL = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)
WEEK = Window(SINCE, UNTIL)
Sync = Callable[..., Recorder]


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AdminClient]:
    with AdminClient(sandbox.url, lambda: Secret(sandbox.admin_key), tries=1) as opened:
        yield opened


@pytest.fixture
def sync(client: AdminClient, sandbox: SandboxServer, organization: Organization) -> Sync:
    """Read a window and record it, as a run does."""

    def once(window: Window = WEEK, *, run: int = 1, limit: int = 0, fence: Callable[[], None] = int) -> Recorder:
        reader = Reader(client)
        default = sandbox.sandbox.directory.default_id
        recorder = Recorder(organization.pk, Numbered.of(organization.pk), run, default, fence, reader)
        recorder.record(reader.read(Planned(window, Why.MISSING), limit), clock.now())
        return recorder

    return once


def day(window_day: int) -> Window:
    start = datetime(2026, 11, window_day, tzinfo=UTC)
    return Window(start, start + timedelta(days=1))


def used(*names: str) -> dict[tuple[str, ...], tuple[int, ...]]:
    sums: dict[tuple[str, ...], tuple[int, ...]] = {}
    columns = [f"series__{name}" for name in names]
    for row in AnalyticsUsage.objects.values_list(*columns, *COUNTS):
        key, counts = tuple(row[: len(names)]), row[len(names) :]
        sums[key] = tuple(map(sum, zip(sums.get(key, (0,) * 6), counts, strict=True)))
    return sums


def paid(*names: str, **wanted: str) -> dict[tuple[str, ...], int]:
    sums: dict[tuple[str, ...], int] = {}
    rows = AnalyticsCost.objects.filter(**{f"series__{name}": value for name, value in wanted.items()})
    for *key, amount in rows.values_list(*(f"series__{name}" for name in names), "amount"):
        sums[tuple(key)] = sums.get(tuple(key), 0) + amount
    return sums


def everything() -> list[Any]:
    """Every row a person could see, with its state."""
    return [
        sorted(AnalyticsUsage.objects.values_list("day", "series_id", *COUNTS, "requests")),
        sorted(AnalyticsCost.objects.values_list("day", "series_id", "amount", "list_amount", "amount_cents")),
        sorted(Coverage.objects.values_list("source", "start", "state")),
    ]


def assert_equals_truth(sandbox: SandboxServer) -> None:
    for names in (("workspace_id",), ("api_key_id", "model"), ("service_tier", "speed")):
        truth = sandbox.truth.totals(SINCE, UNTIL, group_by=names)
        assert used(*names) == {key: total.counts for key, total in truth.items()}
    for names in (("workspace_id", "cost_type"), ("cost_type", "token_type")):
        truth = sandbox.truth.totals(SINCE, UNTIL, group_by=names)
        assert paid(*names) == {key: total.reported for key, total in truth.items() if total.reported}
    # Searches have a model and a tier here, and none in the cost report.
    names = ("workspace_id", "model", "service_tier", "token_type")
    truth = sandbox.truth.totals(SINCE, UNTIL, group_by=names, cost_type="tokens")
    expected = {key: total.reported for key, total in truth.items() if total.reported}
    assert paid(*names, cost_type="tokens") == expected


def test_usage_and_cost_equal_the_truth_to_the_pico_dollar(sync: Sync, sandbox: SandboxServer) -> None:
    recorder = sync()
    assert_equals_truth(sandbox)
    assert recorder.rows_changed == AnalyticsUsage.objects.count() + AnalyticsCost.objects.count()
    assert recorder.rows_read > 1000


def test_what_was_fast_is_known_by_speed(sync: Sync, sandbox: SandboxServer) -> None:
    sync()
    truth = sandbox.truth.totals(SINCE, UNTIL, group_by=["speed", "api_key_id"])
    assert used("speed", "api_key_id") == {key: total.counts for key, total in truth.items()}
    fast = AnalyticsCost.objects.filter(series__speed="fast")
    assert set(fast.values_list("series__cost_type", flat=True)) == {"tokens"}
    assert " - " not in "".join(fast.values_list("amount_cents", flat=True))


def test_whose_usage_it_is_has_a_name(sync: Sync, sandbox: SandboxServer) -> None:
    """The default workspace is `default`, whatever its id; no key is `console`."""
    sync()
    assert sandbox.sandbox.directory.default_id not in AnalyticsSeries.objects.values_list("workspace_id", flat=True)
    assert "default" in set(AnalyticsSeries.objects.values_list("workspace_id", flat=True))
    kinds = dict(AnalyticsSeries.objects.filter(api_key_id="console").values_list("actor_type", "actor_id"))
    assert set(kinds) == {"user_actor", "service_account_actor"}
    assert kinds["user_actor"].startswith("user_01")
    nobody = AnalyticsCostSeries.objects.filter(cost_type="code_execution")
    assert set(nobody.values_list("actor_type", "actor_id", "model", "service_tier")) == {("", "", "", "")}


def test_days_by_workspace_and_requests_by_model_can_be_asked_for(
    sync: Sync, sandbox: SandboxServer, organization: Organization
) -> None:
    sync()
    costs = cost_by_day(organization_id=organization.pk, since=date(2026, 11, 12), until=date(2026, 11, 13))
    truth = sandbox.truth.totals(SINCE + timedelta(days=2), SINCE + timedelta(days=3), group_by=["workspace_id"])
    assert {one.workspace_id: one.amount for one in costs} == {key[0]: total.reported for key, total in truth.items()}
    assert {(one.day, one.currency) for one in costs} == {(date(2026, 11, 12), "USD")}
    # One workspace uses a model that it has for a fifth less than list.
    dearer = [one for one in costs if one.list_amount != one.amount]
    assert {one.workspace_id for one in dearer} <= {sandbox.sandbox.directory.workspace_ids["research"]}
    requests = requests_by_day(organization_id=organization.pk, since=SINCE.date(), until=UNTIL.date())
    each = AnalyticsUsage.objects.values_list("requests", flat=True)
    assert sum(one.requests or 0 for one in requests) == sum(one or 0 for one in each)
    assert len({one.day for one in requests}) == 7


def test_ing_01_reading_again_writes_nothing(sync: Sync) -> None:
    sync()
    rows = everything()[:2]
    assert sync(run=2).rows_changed == 0
    before = everything()
    again = sync(run=3)
    assert (again.rows_changed, again.rows_read > 0) == (0, True)
    assert (everything(), everything()[:2]) == (before, rows)
    assert set(AnalyticsUsage.objects.values_list("run", flat=True)) == {1}
    assert (AnalyticsUsageRevision.objects.count(), AnalyticsCostRevision.objects.count()) == (0, 0)


def test_the_order_of_rows_and_the_size_of_pages_change_nothing(sync: Sync) -> None:
    sync()
    before = everything()[:2]
    assert sync(run=2, limit=37).rows_changed == 0
    assert everything()[:2] == before


@pytest.mark.parametrize("change", ["up", "down", "vanish", "new"])
def test_ing_05_a_restated_day_is_replaced_as_a_set(sync: Sync, sandbox: SandboxServer, change: str) -> None:
    sync()
    before, cost = used()[()], paid()[()]
    sandbox.restate(date(2026, 11, 12), change=change, workspace="search-prod")
    recorder = sync(run=2)
    assert_equals_truth(sandbox)
    revisions = AnalyticsUsageRevision.objects.all()
    moved = tuple(map(sum, zip(*revisions.values_list(*COUNTS), strict=True)))
    assert moved == tuple(now - then for now, then in zip(used()[()], before, strict=True))
    assert (moved[0] > 0) is (change in ("up", "new"))
    assert sum(AnalyticsCostRevision.objects.values_list("amount", flat=True)) == paid()[()] - cost
    assert recorder.rows_changed == revisions.count() + AnalyticsCostRevision.objects.count()
    states = Coverage.objects.filter(start=datetime(2026, 11, 12, tzinfo=UTC)).values_list("source", "state")
    assert set(states) == {(USAGE_COVERAGE, "revised"), (COST_COVERAGE, "revised")}


def test_each_report_has_coverage_of_its_own_and_empty_days_are_covered(sync: Sync) -> None:
    sync(Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)))
    for source in (USAGE_COVERAGE, COST_COVERAGE):
        days = Coverage.objects.filter(source=source).order_by("start").values_list("start__day", "state")
        assert list(days) == [(18, "open"), (19, "open"), (20, "open")]
    sync(Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)))
    assert Coverage.objects.get(source=USAGE_COVERAGE, start__day=18).state == "settled"
    kept = RawBucket.objects.filter(source=COST_COVERAGE).values_list("start__day", flat=True)
    assert set(kept) == {18, 19}


def test_history_ends_365_days_ago_and_with_2025(sync: Sync) -> None:
    with pytest.raises(Refused, match="not before 2026-01-01"):
        sync(Window(datetime(2025, 12, 30, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)))


@pytest.mark.parametrize(("path", "after"), [("analytics/usage", 1), ("analytics/cost", 3)])
def test_a_cursor_that_dies_is_begun_again(sync: Sync, sandbox: SandboxServer, path: str, after: int) -> None:
    sandbox.faults.add("gone", path=path, after=after, times=3)
    sync(limit=100)
    assert [one.kind for one in sandbox.faults.log] == ["gone"] * 3
    assert_equals_truth(sandbox)


def test_a_cursor_that_dies_four_times_is_an_error_and_nothing_is_committed(sync: Sync, sandbox: SandboxServer) -> None:
    sandbox.faults.add("gone", path="analytics/cost", times=None)
    with pytest.raises(Refused, match="410"):
        sync()
    assert len(sandbox.faults.log) == 4
    assert everything() == [[], [], []]


@pytest.mark.parametrize("kind", ["truncate", "lost_token", "repeated_token", "duplicate_page", "empty"])
def test_ing_09_ing_10_half_an_answer_is_never_committed(sync: Sync, sandbox: SandboxServer, kind: str) -> None:
    sync(day(10))
    before = everything()
    sandbox.restate(date(2026, 11, 10), change="up")
    sandbox.faults.add(kind, path="analytics/cost", after=1, times=None)
    with pytest.raises(UpstreamError):
        sync(limit=100)
    assert everything() == before
    sandbox.faults.clear()
    sync()
    assert_equals_truth(sandbox)


def test_a_run_that_lost_its_lease_writes_nothing(sync: Sync) -> None:
    def lost() -> None:
        raise RuntimeError("the lease is gone")

    with pytest.raises(RuntimeError, match="lease"):
        sync(fence=lost)
    assert everything() == [[], [], []]


GROUP = {"api_key_id": "k", "actor": {"type": "api_actor", "api_key_id": "k"}, "workspace_id": "w", "model": "m"}
COST = {"amount": "12.5", "currency": "USD", "list_amount": "20", "requests": None}
USED = {
    "cache_creation": {"ephemeral_1h_input_tokens": 1, "ephemeral_5m_input_tokens": 2},
    "cache_read_input_tokens": 3,
    "output_tokens": 4,
    "requests": 7,
    "server_tool_use": {"web_search_requests": 5},
    "total_tokens": 16,
    "uncached_input_tokens": 6,
}
DAY = {"starting_at": "2026-11-10T00:00:00Z", "ending_at": "2026-11-11T00:00:00Z"}


def cost_row(group: dict[str, Any] | None = None, **cost: Any) -> dict[str, Any]:
    return {**DAY, "group": {**GROUP, **(group or {})}, "cost": {**COST, **cost}}


def usage_row(group: dict[str, Any] | None = None, **usage: Any) -> dict[str, Any]:
    return {**DAY, "group": {**GROUP, **(group or {})}, "usage": {**USED, **usage}}


def say(sandbox: SandboxServer, report: str, *answers: list[dict[str, Any]]) -> None:
    """Have the next answers of a report be these: the base, then what was fast."""
    for rows in (*answers, *([],) * (2 - len(answers))):
        page = {"data": rows, "has_more": False, "next_page": None, "data_refreshed_at": DAY["ending_at"]}
        sandbox.faults.add("body", path=f"analytics/{report}", text=json.dumps(page))


def test_ing_15_a_bad_row_is_set_aside_and_the_others_are_kept(sync: Sync, sandbox: SandboxServer) -> None:
    bad = [{"amount": "12,5"}, {"amount": 12}, {"list_amount": "1e3"}, {"currency": "dollars"}, {"list_amount": None}]
    good = [cost_row({"model": f"m{number}"}) for number in range(95)]
    say(sandbox, "cost", good + [cost_row({"model": f"bad{number}"}, **one) for number, one in enumerate(bad)])
    wrong = [usage_row({"model": "less"}, output_tokens=-1), usage_row({"model": "more"}, output_tokens=10**15 + 1)]
    say(sandbox, "usage", [usage_row(), *wrong])
    sync(day(10))
    assert AnalyticsCost.objects.count() == 95
    assert paid() == {(): 95 * 125_000_000_000}
    assert used() == {(): (6, 2, 1, 3, 4, 5)}
    reasons = list(Quarantined.objects.filter(source=COST_COVERAGE).values_list("reason", flat=True))
    assert len(reasons) == 5
    assert any("'12,5' is not a decimal amount in cents - at `$.cost.amount`" in reason for reason in reasons)
    assert Quarantined.objects.filter(source=USAGE_COVERAGE).count() == 2
    assert set(Coverage.objects.values_list("state", flat=True)) == {"inconsistent"}


def test_a_row_set_aside_takes_its_fast_part_with_it(sync: Sync, sandbox: SandboxServer) -> None:
    say(
        sandbox,
        "usage",
        [usage_row({"model": "a"}, output_tokens=-1), usage_row({"model": "b"})],
        [usage_row({"model": "a"})],
    )
    say(sandbox, "cost", [cost_row({"model": "a"}, amount="x"), cost_row({"model": "b"})], [cost_row({"model": "a"})])
    sync(day(10))
    assert set(used("model")) == set(paid("model")) == {("b",)}
    assert set(Coverage.objects.values_list("state", "rejected")) == {("inconsistent", 1)}


def test_ing_11_new_fields_and_values_are_noted_and_the_row_is_kept(sync: Sync, sandbox: SandboxServer) -> None:
    new = {"service_tier": "turbo", "galaxy": "andromeda", "actor": {"type": "robot_actor", "serial": 7, "a": "b"}}
    say(sandbox, "usage", [usage_row(new, thinking_tokens=9, total_tokens=25)])
    say(sandbox, "cost", [cost_row({"cost_type": "storage", "token_type": "thoughts"}, amount="0.12345678905")])
    sync(day(10))
    assert used("model", "service_tier", "actor_type", "actor_id") == {
        ("m", "turbo", "robot_actor", '{"a":"b","serial":7}'): (6, 2, 1, 3, 4, 5)
    }
    assert set(Novelty.objects.filter(source=USAGE_COVERAGE).values_list("path", "value")) == {
        ("group.galaxy", ""),
        ("group.service_tier", "turbo"),
        ("group.actor.type", "robot_actor"),
        ("usage.thinking_tokens", ""),
        ("usage.total_tokens (is not the sum of what is counted)", ""),
    }
    assert set(Novelty.objects.filter(source=COST_COVERAGE).values_list("path", "value")) == {
        ("group.cost_type", "storage"),
        ("group.token_type", "thoughts"),
        ("(an amount finer than a pico-dollar)", ""),
    }
    # Half a pico-dollar, to even; the vendor's own text beside it.
    assert AnalyticsCost.objects.values_list("amount", "amount_cents", "list_cents").get() == (
        1_234_567_890,
        "0.12345678905",
        "20",
    )


def test_an_actor_is_the_same_whatever_the_name(sync: Sync, sandbox: SandboxServer) -> None:
    person = {
        "type": "user_actor",
        "user_id": "user_1",
        "email_address": "a@example.com",
        "name": "A",
        "deleted": False,
    }
    say(sandbox, "usage", [usage_row({"actor": person})])
    say(sandbox, "cost", [cost_row({"actor": person})])
    sync(day(10))
    married = {**person, "email_address": "b@example.com", "name": "B", "deleted": True}
    say(sandbox, "usage", [usage_row({"actor": married})])
    say(sandbox, "cost", [cost_row({"actor": married})])
    assert sync(day(10), run=2).rows_changed == 0
    assert AnalyticsSeries.objects.values_list("actor_type", "actor_id").get() == ("user_actor", "user_1")


def test_requests_that_are_not_counted_stay_unknown(
    sync: Sync, sandbox: SandboxServer, organization: Organization
) -> None:
    say(sandbox, "usage", [usage_row(requests=None)])
    say(sandbox, "cost", [])
    sync(day(10))
    (one,) = requests_by_day(organization_id=organization.pk, since=date(2026, 11, 10), until=date(2026, 11, 11))
    assert (one.model, one.requests) == ("m", None)
    say(sandbox, "usage", [usage_row()])
    say(sandbox, "cost", [])
    sync(day(10))
    assert AnalyticsUsageRevision.objects.values_list("requests", "output_tokens").get() == (7, 0)


def test_where_more_is_fast_than_there_is_the_day_is_read_again_and_then_kept_as_it_was(
    sync: Sync, sandbox: SandboxServer
) -> None:
    say(sandbox, "usage", [usage_row()], [usage_row(output_tokens=1, requests=2)])
    say(sandbox, "cost", [cost_row()], [cost_row(amount="2.5", list_amount="4")])
    sync(day(10))
    assert used("speed") == {("standard",): (0, 0, 0, 0, 3, 0), ("fast",): (6, 2, 1, 3, 1, 5)}
    assert sorted(AnalyticsCost.objects.values_list("amount", "list_amount", "amount_cents")) == [
        (25_000_000_000, 40_000_000_000, "2.5"),
        (100_000_000_000, 160_000_000_000, "12.5 - 2.5"),
    ]
    before = everything()[:2]
    for _ in range(2):
        say(sandbox, "usage", [usage_row()], [usage_row(output_tokens=5)])
        say(sandbox, "cost", [cost_row()], [cost_row(amount="2.5", list_amount="4")])
    sync(day(10))
    assert everything()[:2] == before
    assert dict(Coverage.objects.values_list("source", "state")) == {
        USAGE_COVERAGE: "inconsistent",
        COST_COVERAGE: "settled",
    }


@pytest.mark.parametrize(
    "row",
    [
        cost_row() | {"starting_at": "2026-11-11T00:00:00Z", "ending_at": "2026-11-12T00:00:00Z"},
        cost_row() | {"starting_at": "2026-11-10T01:00:00Z"},
        cost_row() | {"ending_at": "2026-11-12T00:00:00Z"},
        cost_row() | {"starting_at": "yesterday"},
        {"group": {}, "cost": {}},
    ],
)
def test_a_row_that_is_on_no_day_that_was_asked_for_fails_the_whole_read(
    sync: Sync, sandbox: SandboxServer, row: dict[str, Any]
) -> None:
    say(sandbox, "cost", [cost_row(), row])
    with pytest.raises(Malformed):
        sync(day(10))
    assert everything() == [[], [], []]


def test_the_same_row_twice_fails_the_whole_read(sync: Sync, sandbox: SandboxServer) -> None:
    say(sandbox, "usage", [usage_row(), usage_row({"model": "n"}), usage_row()])
    with pytest.raises(Malformed, match="came twice: pages overlap"):
        sync(day(10))
