"""The report `limits` against a scan of the minutes that knows nothing of its code."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoDbBlocker

from costwatch.directory.models import Organization
from costwatch.ingest.upkeep import upkeep
from costwatch.insights.query import BadQuestion, question
from costwatch.insights.reports import columns, report
from costwatch.ledger.models import LimitHour, MinuteFact
from tests.kept import kept, vendor
from tests.scan import scan

START, DAY = datetime(2026, 11, 18, tzinfo=UTC), timedelta(days=1)
LIMITED = ("input_tokens_per_minute_cache_aware", "output_tokens_per_minute", "fast_itpmca", "fast_otpm")


@pytest.fixture(scope="module")
def three_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Minutes of 18 to 20 November, with the limits as the vendor lists them."""
    with kept(django_db_blocker):
        with vendor("2026-11-18", "directory", "limits", "minutes") as (_, read):
            read()
        yield


@pytest.fixture
def read(three_days: None, db: None, now: datetime) -> Organization:
    """The organization they are of."""
    return Organization.objects.get()


def asked(interval: str = "day", **filters: str) -> list[dict]:  # type: ignore[type-arg]
    span = {"since": date(2026, 11, 18), "until": date(2026, 11, 20)}
    return list(report("limits", question(**span, interval=interval, filters=filters.items()))["rows"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("interval", "width"), [("hour", timedelta(hours=1)), ("day", DAY), ("total", 2 * DAY)])
def test_every_row_equals_a_scan_of_its_minutes(read: Organization, interval: str, width: timedelta) -> None:
    rows = asked(interval)
    used = scan(read, START, START + 2 * DAY)
    measured = [row for row in rows if row["minutes_active"]]
    assert len(measured) > 60
    for row in measured:
        start = {"hour": lambda at: datetime.fromisoformat(at), "total": lambda _: START}.get(
            interval, lambda at: datetime.fromisoformat(f"{at}T00:00:00+00:00")
        )(row["period"])
        pool = "fast" if row["limiter"].startswith("fast") else ""
        of = used[row["group_id"], pool, row["workspace_id"] or "", row["limiter"]]
        minutes = {at: count for at, count in of.items() if count and start <= at < start + width}
        ordered, peak = sorted(minutes.values()), max(minutes.values())
        assert (row["peak"], row["minutes_active"]) == (peak, len(minutes))
        assert datetime.fromisoformat(row["peak_at"]) == min(at for at, count in minutes.items() if count == peak)
        assert row["p95"] == ordered[math.ceil(0.95 * len(ordered)) - 1]
        assert row["median"] == ordered[math.ceil(0.5 * len(ordered)) - 1]
        if row["limit"] and interval != "total":
            assert row["minutes_over_80"] == len([one for one in ordered if one > row["limit"] * 0.8])
            assert row["minutes_over_100"] == len([one for one in ordered if one > row["limit"]])


def test_what_no_report_tells_by_the_minute_is_null_and_what_was_not_used_is_zero(read: Organization) -> None:
    rows = asked("total")
    requests = [row for row in rows if row["limiter"] == "requests_per_minute"]
    assert {row["limit"] for row in requests} >= {4000, 2000, 10_000}
    for row in requests:
        assert (row["peak"], row["p95"], row["median"], row["minutes_active"], row["minutes_over_80"]) == (None,) * 5
    idle = [row for row in rows if row["minutes_active"] == 0]
    assert idle
    assert {(row["peak"], row["peak_at"], row["p95"], row["minutes_over_100"]) for row in idle} == {(0, None, 0, 0)}


def test_minutes_that_nobody_read_are_null_and_their_period_is_partial(read: Organization) -> None:
    """Minutes begin on 18 November: of the two days before nothing is known, of the three days together a part."""
    span = {"since": date(2026, 11, 16), "until": date(2026, 11, 19)}
    for interval, expected in (
        ("day", {"2026-11-16": (True, False), "2026-11-17": (True, False), "2026-11-18": (False, True)}),
        ("total", {"": (True, True)}),
    ):
        rows = report("limits", question(**span, interval=interval))["rows"]  # type: ignore[arg-type]
        found = {
            period: (
                {row["partial"] for row in rows if row["period"] == period},
                any(row["peak"] is not None for row in rows if row["period"] == period),
            )
            for period in {row["period"] for row in rows}
        }
        assert found == {period: ({partial}, known) for period, (partial, known) in expected.items()}
    untold = {
        name
        for row in report("limits", question(since=date(2026, 11, 16), until=date(2026, 11, 17)))["rows"]
        for name in ("peak", "p95", "median", "minutes_active", "minutes_over_80")
        if row[name] is not None
    }
    assert untold == set()


def test_a_workspaces_own_value_is_its_source_and_the_organizations_is_inherited(read: Organization) -> None:
    rows = {(row["group"], row["workspace_name"], row["limiter"]): row for row in asked("total")}
    own = rows["Claude Opus 5.x", "search-prod", "output_tokens_per_minute"]
    assert own["source"] == "workspace"
    inherited = rows["Claude Opus 5.x", "code-review", "output_tokens_per_minute"]
    assert (inherited["limit"], inherited["source"]) == (600_000, "organization")
    # A value above the organization's is stored by the vendor and has no effect.
    assert rows["Claude Sonnet 5.x", "support-bot", "input_tokens_per_minute_cache_aware"]["limit"] == 2_500_000
    assert rows["Claude Opus 5.x", None, "output_tokens_per_minute"]["workspace_id"] is None


def test_a_filter_leaves_one_workspace_and_other_questions_are_refused(read: Organization) -> None:
    one = next(row["workspace_id"] for row in asked() if row["workspace_id"])
    assert {row["workspace_id"] for row in asked(workspace_id=one)} == {one}
    for refused in ({"group_by": ["model"]}, {"filters": [("model", "x")]}, {"as_of": START}):
        with pytest.raises(BadQuestion):
            report("limits", question(**refused))  # type: ignore[arg-type]


def test_rows_have_the_columns_in_their_order_and_are_sorted(read: Organization) -> None:
    query = question(since=date(2026, 11, 18), until=date(2026, 11, 20))
    made = report("limits", query)
    assert all(list(row) == columns("limits", query) for row in made["rows"])
    order = [(row["period"], row["group"], row["workspace_id"] or "", row["limiter"]) for row in made["rows"]]
    assert order == sorted(order)
    assert made["data_through"] == "2026-11-20T00:00:00Z"


def test_days_outlive_their_minutes_and_say_of_several_what_can_be_said(read: Organization, now: datetime) -> None:
    upkeep(now)
    days, total = asked("day"), asked("total")
    MinuteFact.objects.all().delete()
    LimitHour.objects.all().delete()
    assert asked("day") == days
    after = {(row["group_id"], row["workspace_id"], row["limiter"]): row for row in asked("total")}
    compared = 0
    for row in total:
        if not row["minutes_active"]:
            continue
        kept = after[row["group_id"], row["workspace_id"], row["limiter"]]
        same = ("peak", "peak_at", "minutes_active", "minutes_over_80", "minutes_over_95", "minutes_over_100")
        assert [kept[name] for name in same] == [row[name] for name in same]
        compared += kept["p95"] is None
    assert compared > 10
