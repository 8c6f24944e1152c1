"""What a bucket comes to is read once when it settles, and compared with the sum of its rows."""

from datetime import UTC, date, datetime

import pytest

from costwatch import clock
from costwatch.ingest.models import Coverage
from costwatch.ingest.order import Order
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.upstream import usage
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync

HOUR = datetime(2026, 11, 19, 10, tzinfo=UTC)


def totals(source: str) -> dict[str, set[bool | None]]:
    found: dict[str, set[bool | None]] = {}
    for state, ok in Coverage.objects.filter(source=source).values_list("state", "control_total_ok"):
        found.setdefault(state, set()).add(ok)
    return found


def test_every_settled_hour_and_day_was_compared_and_open_ones_were_not(run: Sync) -> None:
    run("directory", "cost", "usage")
    assert totals("usage") == {"settled": {True}, "open": {None}}
    assert totals("cost")["settled"] == {True}


def test_a_total_that_differs_keeps_the_hour_open_and_is_asked_for_again(
    run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(usage, "total", lambda bucket: (0, 0, 0, 0, 0, 1))
        run("directory", "usage", order=None)
    assert totals("usage") == {"open": {False, None}, "settled": {False}}
    # Older than two days, it settles with that said.
    settled = Coverage.objects.filter(source="usage", state="settled")
    assert settled.latest("start").start < datetime(2026, 11, 18, 14, tzinfo=UTC)
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T15:06:00Z")
    run("usage")
    assert Coverage.objects.get(source="usage", start=HOUR).state == "settled"
    assert Coverage.objects.get(source="usage", start=HOUR).control_total_ok


def test_a_revised_hour_is_compared_once_more(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("directory", "usage")
    upstream.restate(HOUR, change="up")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:09:00Z")
    run("usage")
    row = Coverage.objects.get(source="usage", start=HOUR)
    assert (row.state, row.control_total_ok) == ("revised", True)


def test_ing_06_what_a_total_came_to_then_is_in_a_report_of_then(run: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(as_of: str | None) -> list[tuple[str, str, bool | None]]:
        moment = clock.parse(as_of) if as_of else None
        rows = report("coverage", question(since=HOUR.date(), until=date(2026, 11, 20), as_of=moment))["rows"]
        return [(row["since"], row["state"], row["control_total_ok"]) for row in rows if row["source"] == "usage"]

    with monkeypatch.context() as broken:
        broken.setattr(usage, "total", lambda bucket: (0, 0, 0, 0, 0, 1))
        run("directory", "usage")
    differed = [("2026-11-19T00:00:00Z", "open", False)]
    assert told(None) == told("2026-11-20T14:05:00Z") == differed
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T15:06:00Z")
    run("usage")
    assert told(None) == told("2026-11-20T15:06:00Z") == [("2026-11-19T00:00:00Z", "settled", True)]
    assert told("2026-11-20T14:05:00Z") == differed


def test_a_given_span_is_compared_as_well(run: Sync) -> None:
    run("directory", "usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 12)))
    assert totals("usage") == {"settled": {True}}


def test_ing_12_an_hour_of_polls_asks_for_little_more_than_the_base(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("directory", "usage")
    asked = len(upstream.requests)
    for minute in range(6, 66):
        monkeypatch.setenv("COSTWATCH_NOW", f"2026-11-20T{14 + minute // 60}:{minute % 60:02}:00Z")
        run("usage", order=Order(paced=True))
    queries = [entry.query for entry in list(upstream.requests)[asked:] if entry.path.endswith("usage_report/messages")]
    fast = [query for query in queries if "speeds" in query]
    assert len([query for query in queries if "group_by" not in query]) == 1
    assert len(queries) <= 33
    assert 3 <= len(fast) <= 7
