"""The main job, end to end: reports in, exact totals out, on whichever database the suite runs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ingest.lease import Busy, lease
from costwatch.ingest.models import Coverage, Run, Source
from costwatch.ingest.order import Order
from costwatch.insights.query import question
from costwatch.insights.render import render
from costwatch.insights.reports import columns, report
from costwatch.ledger.models import COUNTS, Fact, GroupDay, ReportedLine, Revision, SeriesDay, SeriesMonth, StaleMonth
from costwatch.upstream.sandbox.server import SandboxServer
from pricing.money import parse_usd

from .conftest import Sync

SINCE, UNTIL = date(2026, 11, 6), date(2026, 11, 21)
GROUPINGS = (
    (),
    ("workspace_id",),
    ("model",),
    ("api_key_id",),
    ("service_tier", "inference_geo"),
    ("speed", "context_window"),
    ("token_type",),
    ("cost_type", "workspace_id"),
)


def totals(grouping: tuple[str, ...], interval: str = "total", since: date = SINCE, until: date = UNTIL) -> dict:
    rows = report("spend", question(since=since, until=until, interval=interval, group_by=grouping))["rows"]
    return {tuple(row[name] for name in grouping): row for row in rows}


def assert_equals_truth(sandbox: SandboxServer, grouping: tuple[str, ...]) -> None:
    ours = totals(grouping)
    truth = sandbox.truth.totals(clock.midnight(SINCE), clock.midnight(UNTIL), group_by=grouping)
    expected = {key: one for key, one in truth.items() if any(one.counts) or one.reported}
    assert ours.keys() == expected.keys()
    for key, one in expected.items():
        row = ours[key]
        assert tuple(row[count] for count in COUNTS) == one.counts
        assert parse_usd(row["list_low_usd"]) == one.list_low
        assert parse_usd(row["list_high_usd"]) == one.list_high
        assert row["unpriced_tokens"] == one.unpriced_tokens
        assert (row["reported_usd"] and parse_usd(row["reported_usd"])) == (one.reported and one.reported)


def everything() -> list:
    """Every row of the ledger that a person could see, without bookkeeping."""
    return [
        list(Fact.objects.order_by("bucket_start", "series").values_list("bucket_start", "series_id", *COUNTS)),
        list(ReportedLine.objects.order_by("day", "series").values_list("day", "series_id", "amount", "amount_cents")),
        list(
            SeriesDay.objects.order_by("day", "series").values_list("day", "series_id", *COUNTS, "list_low", "price_id")
        ),
        list(GroupDay.objects.order_by("day", "group").values_list("day", "group_id", *COUNTS, "list_high")),
        list(Coverage.objects.order_by("source", "start").values_list("source", "start", "state")),
    ]


def test_ing_18_every_grouping_equals_the_truth_of_the_upstream(run: Sync, upstream: SandboxServer) -> None:
    runs = run()
    assert {name: one.outcome for name, one in runs.items()} == dict.fromkeys(runs, Run.Outcome.SUCCEEDED)
    for grouping in GROUPINGS:
        assert_equals_truth(upstream, grouping)


def test_ing_01_three_runs_write_what_one_run_wrote(run: Sync) -> None:
    run()
    before = everything()
    again = [run(), run()]
    assert everything() == before
    assert [one and one.rows_changed for runs in again for one in (runs["usage"], runs["cost"])] == [None] * 4


def test_ing_01_reading_the_same_span_again_changes_nothing(run: Sync) -> None:
    run()
    before = everything()
    runs = run("cost", "usage", order=Order(since=SINCE, until=UNTIL))
    assert everything() == before
    assert (runs["usage"].rows_changed, runs["cost"].rows_changed) == (0, 0)
    assert Revision.objects.count() == 0


def test_ing_01_no_unique_key_has_a_nullable_column(db: None) -> None:
    for model in (Fact, ReportedLine, SeriesDay, SeriesMonth, GroupDay, Coverage):
        for name in {field.attname for field in model._meta.pk_fields}:
            assert not model._meta.get_field(name.removesuffix("_id")).null, (model, name)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid "
                "AND a.attnum = ANY(i.indkey) WHERE i.indisunique AND NOT a.attnotnull AND t.relname ~ "
                "'^(ledger|ingest|directory|access)_'"
            )
            assert cursor.fetchall() == []


@pytest.mark.parametrize("change", ["up", "down", "vanish", "new"])
def test_ing_05_a_restated_day_is_replaced_as_a_set(run: Sync, upstream: SandboxServer, change: str) -> None:
    run()
    before = parse_usd(totals(())[()]["list_low_usd"])
    upstream.restate(date(2026, 11, 12), change=change, workspace="search-prod")
    runs = run("cost", "usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 14)))
    assert runs["usage"].rows_changed > 0
    after = parse_usd(totals(())[()]["list_low_usd"])
    assert (after > before) is (change in ("up", "new"))
    assert_equals_truth(upstream, ("workspace_id",))
    assert_equals_truth(upstream, ("model",))
    states = set(
        Coverage.objects.filter(source="usage", start__date=date(2026, 11, 12)).values_list("state", flat=True)
    )
    assert "revised" in states
    assert Revision.objects.filter(bucket_start__date=date(2026, 11, 12)).count() == runs["usage"].rows_changed


def test_ing_06_a_report_as_of_a_time_says_what_it_said_then(run: Sync, upstream: SandboxServer) -> None:
    run()
    then = datetime(2026, 11, 20, 14, 5, 1, tzinfo=UTC)
    asked = question(since=SINCE, until=date(2026, 11, 20), group_by=["workspace_id"], interval="day")
    before = report("spend", asked)["rows"]
    upstream.restate(date(2026, 11, 12), change="down", workspace="search-prod")
    with clock.frozen("2026-11-20T15:30:00Z"):
        run("cost", "usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 14)))
        assert report("spend", asked)["rows"] != before
        past = question(since=SINCE, until=date(2026, 11, 20), group_by=["workspace_id"], interval="day", as_of=then)
        assert report("spend", past)["rows"] == before
        coverage = question(since=SINCE, until=date(2026, 11, 20), as_of=then)
        assert {row["last_success"] for row in report("coverage", coverage)["rows"]} == {"2026-11-20T14:05:00Z"}


def test_ing_06_a_report_as_of_a_time_is_the_same_bytes_before_and_after_a_restatement(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    at = clock.parse("2026-11-20T14:05:00Z")

    def printed() -> list[str]:
        asked = [
            question(since=SINCE, until=UNTIL, group_by=by, interval=every, as_of=at)
            for by in ([], ["model"])
            for every in ("day", "total")
        ]
        return [render(report(name, one), columns(name, one), "json") for one in asked for name in ("spend", "usage")]

    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:06:00Z")
    before = printed()
    for change in ("up", "down", "vanish", "new"):
        upstream.restate(datetime(2026, 11, 18, 10, tzinfo=UTC), change=change)
        upstream.restate(date(2026, 11, 15), change=change)
        monkeypatch.setenv("COSTWATCH_NOW", f"2026-11-{21 + len(change) % 3}T09:00:00Z")
        run()
        assert printed() == before


def test_ing_07_the_newest_hours_are_open_and_the_older_ones_settled(run: Sync) -> None:
    run()
    hours = dict(Coverage.objects.filter(source="usage").values_list("start", "state"))
    assert hours[datetime(2026, 11, 20, 14, tzinfo=UTC)] == "open"
    assert hours[datetime(2026, 11, 20, 8, tzinfo=UTC)] == "open"
    assert hours[datetime(2026, 11, 20, 7, tzinfo=UTC)] == "settled"
    assert hours[datetime(2026, 11, 10, 7, tzinfo=UTC)] == "settled"
    assert Coverage.objects.filter(source="cost", start=datetime(2026, 11, 20, tzinfo=UTC)).get().state == "open"
    october = report("spend", question(since=date(2026, 11, 6), until=date(2026, 11, 20)))
    assert october["complete"] is True
    assert report("spend", question(since=date(2026, 11, 6), until=UNTIL))["complete"] is False


def test_hours_read_once_before_a_crash_are_settled_by_the_next_run(run: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("costwatch.ingest.windows.range", lambda _: [0], raising=False)
        run()
    unsettled = Coverage.objects.filter(source="usage", state="open")
    assert unsettled.count() > 100
    run()
    assert unsettled.count() == 7


def test_ing_08_a_second_run_of_a_source_is_refused_while_one_is_at_work(run: Sync, upstream: SandboxServer) -> None:
    run("directory")
    organization = Organization.objects.get()
    with lease(organization.pk, "usage"), pytest.raises(Busy, match="another run of usage is at work"):
        run("usage")
    run("usage")
    assert max(upstream.peak.values()) <= 4


def test_ing_16_an_archived_and_a_deleted_workspace_keep_their_facts(run: Sync, upstream: SandboxServer) -> None:
    run()
    before = totals(("workspace_id",))
    assert Workspace.objects.filter(archived_at__isnull=False).count() >= 1
    Workspace.objects.create(
        organization=Organization.objects.get(),
        key="wrkspc_gone",
        external_id="wrkspc_gone",
        name="gone",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    run("directory")
    assert Workspace.objects.get(key="wrkspc_gone").gone_at is not None
    assert totals(("workspace_id",)) == before


def test_mon_10_usage_without_workspace_or_key_has_a_name(run: Sync) -> None:
    run()
    workspaces = report("spend", question(since=SINCE, until=UNTIL, interval="total", group_by=["workspace_id"]))
    assert [row["workspace_name"] for row in workspaces["rows"] if row["workspace_id"] == "default"] == ["Default"]
    keys = report("spend", question(since=SINCE, until=UNTIL, interval="total", group_by=["api_key_id"]))
    named = [row["api_key_name"] for row in keys["rows"] if row["api_key_id"] == "console"]
    assert named == ["No API key (Console, OAuth)"]
    real = Workspace.objects.get(key="default").external_id
    filtered = report("spend", question(since=SINCE, until=UNTIL, filters=[("workspace_id", real)], interval="total"))
    assert (
        filtered["totals"]
        == report("spend", question(since=SINCE, until=UNTIL, filters=[("workspace_id", "default")], interval="total"))[
            "totals"
        ]
    )
    assert int(filtered["totals"]["output_tokens"]) > 0


def test_mon_09_a_negative_adjustment_lowers_the_total_by_exactly_that(run: Sync) -> None:
    run()
    lines = list(ReportedLine.objects.filter(amount__lt=0).values_list("amount", flat=True))
    assert len(lines) == 1
    everything_else = sum(ReportedLine.objects.filter(amount__gte=0).values_list("amount", flat=True))
    assert parse_usd(totals(())[()]["reported_usd"]) == everything_else + lines[0]


def test_a_run_keeps_its_counts_duration_and_request_ids(run: Sync) -> None:
    usage = run()["usage"]
    assert (usage.outcome, usage.error) == ("succeeded", "")
    assert usage.windows_done == usage.windows_planned > 0
    assert usage.requests > 0
    assert usage.rows_read > 1000
    assert all(one.startswith("req_") for one in usage.request_ids)
    assert Source.objects.get(name="usage").last_success_at == clock.now()


def test_the_directory_holds_workspaces_keys_and_people(run: Sync, upstream: SandboxServer) -> None:
    run("directory")
    assert 10 <= Workspace.objects.count() <= 14
    assert ApiKey.objects.count() >= 60
    assert Workspace.objects.get(key="default").external_id.startswith("wrkspc_")
    assert ApiKey.objects.filter(workspace_key="default").exists()


def test_the_month_per_series_is_the_sum_of_its_days(run: Sync) -> None:
    run()
    for month in SeriesMonth.objects.all()[:200]:
        days = SeriesDay.objects.filter(series=month.series_id, day__gte=month.month)
        assert sum(day.list_low for day in days) == month.list_low
        assert sum(day.output_tokens for day in days) == month.output_tokens


def test_a_run_that_dies_before_the_months_leaves_them_to_the_next_one(
    run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("costwatch.ingest.sources.refresh_series_months", dies)
        run("directory")
        with pytest.raises(KeyboardInterrupt):
            run("usage")
    assert not SeriesMonth.objects.exists()
    assert StaleMonth.objects.count() == 1
    run("usage", order=Order(since=date(2026, 11, 12), until=date(2026, 11, 13)))
    months = sum(SeriesMonth.objects.values_list("list_low", flat=True))
    assert months == sum(SeriesDay.objects.values_list("list_low", flat=True)) > 0
    assert not StaleMonth.objects.exists()


def test_ing_18_any_grouping_and_any_filter_sum_to_the_same_total(run: Sync) -> None:
    run()
    names = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo", "speed", "cost_type", "token_type")
    whole = report("usage", question(since=SINCE, until=UNTIL, interval="total"))["totals"]
    money = report("spend", question(since=SINCE, until=UNTIL, interval="total"))["totals"]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        grouping=st.lists(st.sampled_from(names), unique=True, max_size=3),
        interval=st.sampled_from(["day", "week", "month", "total", "hour"]),
        cut=st.integers(1, 14),
    )
    def holds(grouping: list[str], interval: str, cut: int) -> None:
        middle = SINCE + timedelta(days=cut)
        halves = [
            report("spend", question(since=since, until=until, interval=interval, group_by=grouping))
            for since, until in ((SINCE, middle), (middle, UNTIL))
        ]
        rows = [row for half in halves for row in half["rows"]]
        for count in COUNTS:
            assert sum(row[count] for row in rows) == whole[count]
        for amount in ("list_low_usd", "list_high_usd", "contracted_low_usd"):
            assert sum(parse_usd(row[amount]) for row in rows) == parse_usd(money[amount])
        if rows and rows[0]["reported_usd"] is not None:
            assert sum(parse_usd(row["reported_usd"]) for row in rows) == parse_usd(money["reported_usd"])

    holds()
