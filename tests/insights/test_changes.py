"""What changed since: which days, by how much, and why it was noticed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from pytest_django import DjangoDbBlocker

from costwatch import clock
from costwatch.insights.query import BadQuestion, question
from costwatch.insights.render import render
from costwatch.insights.reports import columns, report
from pricing.money import format_usd
from tests.kept import kept, vendor

SPAN = {"since": date(2026, 11, 6), "until": date(2026, 11, 21)}
HOUR = datetime(2026, 11, 18, 10, tzinfo=UTC)
OLD = date(2026, 11, 15)


def spent() -> dict[str, dict]:
    return {row["period"]: row for row in report("spend", question(**SPAN))["rows"]}


def amounts(one: dict, other: dict) -> tuple[str, ...]:
    """The difference of two rows of the spend report, as the report of changes would say it."""
    from pricing.money import parse_usd

    names = ("reported_usd", "list_low_usd", "list_high_usd")
    return tuple(format_usd(parse_usd(other[name]) - parse_usd(one[name])) for name in names)


@pytest.fixture(scope="module")
def fortnight(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[dict, dict]]:
    """Two weeks, of which an hour of two days ago grew and a day of five days ago shrank. Shape: before and after."""
    with kept(django_db_blocker):
        with vendor("2026-11-06", "directory", "cost", "usage") as (sandbox, read):
            read()
            before = spent()
            sandbox.restate(HOUR, change="up")
            sandbox.restate(OLD, change="down")
            with clock.frozen("2026-11-21T09:00:00Z"):
                read()
                after = spent()
        yield before, after


@pytest.fixture
def restated(fortnight: tuple[dict, dict], db: None, monkeypatch: pytest.MonkeyPatch) -> tuple[dict, dict]:
    """What was spent before and after, at the time of the second reading."""
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-21T09:00:00Z")
    return fortnight


def test_every_change_is_told_by_day_source_and_reason_and_equals_the_difference_of_the_reports(
    restated: tuple[dict, dict],
) -> None:
    before, after = restated
    made = report("changes", question(**SPAN))
    told = {(row["period"], row["source"]): row for row in made["rows"]}
    for day in ("2026-11-15", "2026-11-18"):
        reported, low, high = amounts(before[day], after[day])
        assert told[day, "cost"]["reported_usd"] == reported != "0"
        assert (told[day, "usage"]["list_low_usd"], told[day, "usage"]["list_high_usd"]) == (low, high)
        counted = told[day, "usage"]["output_tokens"]
        assert counted == after[day]["output_tokens"] - before[day]["output_tokens"] != 0
    assert told["2026-11-15", "usage"]["output_tokens"] < 0 < told["2026-11-18", "usage"]["output_tokens"]
    assert told["2026-11-15", "usage"]["why"] == "again"
    assert told["2026-11-18", "usage"]["first_seen"] == "2026-11-21T09:00:00Z"
    assert made["totals"]["rows"] == sum(row["rows"] for row in made["rows"])


def test_since_a_moment_only_later_changes_are_told(restated: tuple[dict, dict]) -> None:
    at = clock.parse("2026-11-21T09:00:00Z")
    assert report("changes", question(**SPAN, as_of=at))["rows"] == []
    assert len(report("changes", question(**SPAN, as_of=clock.parse("2026-11-21T08:59:59Z")))["rows"]) >= 4


def test_changes_refuses_what_it_cannot_answer(restated: tuple[dict, dict]) -> None:
    for given in ({"group_by": ["model"]}, {"interval": "hour"}, {"filters": [("model", "x")]}):
        with pytest.raises(BadQuestion):
            report("changes", question(**SPAN, **given))


def test_a_month_of_changes_is_the_sum_of_its_days(restated: tuple[dict, dict]) -> None:
    days = report("changes", question(**SPAN))
    month = report("changes", question(**SPAN, interval="month"))
    assert month["totals"] == days["totals"]
    assert {row["period"] for row in month["rows"]} == {"2026-11"}
    header = render(days, columns("changes", question(**SPAN)), "csv").splitlines()[0]
    assert header.startswith("period,source,why,first_seen,last_seen,rows,reported_usd,list_low_usd,list_high_usd,")
