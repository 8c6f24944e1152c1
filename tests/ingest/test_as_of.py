"""What a report as of a time must not take from later: names, whether the cost report could be read, organizations."""

from datetime import date

import pytest

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ingest.models import Source
from costwatch.ingest.order import Order
from costwatch.insights.query import question
from costwatch.insights.render import render
from costwatch.insights.reports import columns, report
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync

SPAN = {"since": date(2026, 11, 10), "until": date(2026, 11, 20)}


def printed(as_of: str) -> list[str]:
    """Reports as of a time, by what has a name."""
    asked = [
        question(**SPAN, interval="total", group_by=[by], as_of=clock.parse(as_of))
        for by in ("workspace_id", "api_key_id")
    ]
    texts = [render(report(name, one), columns(name, one), "json") for one in asked for name in ("spend", "usage")]
    covered = question(**SPAN, as_of=clock.parse(as_of))
    return [*texts, render(report("coverage", covered), columns("coverage", covered), "json")]


def reported() -> str | None:
    amount: str | None = report("spend", question(**SPAN, interval="total"))["totals"]["reported_usd"]
    return amount


def test_ing_06_names_and_a_closed_cost_report_of_later_are_not_in_a_report_of_then(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("directory", "cost", "usage")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:06:00Z")
    before = printed("2026-11-20T14:05:00Z")
    assert "search-prod" in before[0]
    known = reported()
    assert known is not None

    listed = upstream.sandbox.directory
    next(one for one in listed.workspaces if one["name"] == "search-prod")["name"] = "search-renamed"
    listed.api_keys[0]["name"] = "key-renamed"
    upstream.faults.add(
        "body", "cost_report", times=None, status=403, text='{"type": "error", "error": {"message": "no"}}'
    )
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-21T09:00:00Z")
    run("directory", "cost", "usage")
    Organization.objects.create(external_id="org_later", name="Later", created_at=clock.now())
    assert Workspace.objects.filter(name="search-renamed").exists()
    assert ApiKey.objects.filter(name="key-renamed").exists()
    assert reported() is None
    assert printed("2026-11-20T14:05:00Z") == before

    # And what was so then stays so when it ends: the report was closed at nine.
    closed = printed("2026-11-21T09:00:00Z")
    assert '"reported_usd": null' in closed[0]
    assert "search-renamed" in closed[0]
    upstream.faults.clear()
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-22T10:00:00Z")
    run("directory", "cost", "usage")
    assert Source.objects.get(name="cost").available
    assert printed("2026-11-21T09:00:00Z") == closed
    assert printed("2026-11-20T14:05:00Z") == before


def test_coverage_tells_what_was_tried_and_never_read_what_failed_last_and_nothing_before_the_history(
    run: Sync, upstream: SandboxServer, settings: object
) -> None:
    settings.BACKFILL_SINCE = "2026-11-12"  # type: ignore[attr-defined]
    upstream.faults.add("lost_token", path="claude_code", times=None)
    upstream.faults.add("lost_token", path="cost_report", times=None)

    def told() -> dict[str, list[tuple[str, str, bool]]]:
        found: dict[str, list[tuple[str, str, bool]]] = {}
        for row in report("coverage", question(**SPAN))["rows"]:
            found.setdefault(row["source"], []).append((row["since"], row["state"], bool(row["last_error"])))
        return found

    run("directory")
    begins = "2026-11-12T00:00:00Z"
    missing = [(begins, "missing", False)]
    assert told() == {"usage": missing, "cost": missing}
    run("cost", "claude_code")
    failed = [(begins, "missing", True)]
    assert told() == {"usage": missing, "cost": failed, "claude_code": failed}
    upstream.faults.clear()
    run("cost")
    assert told()["cost"] == [(begins, "settled", False)]


def test_without_its_usage_nothing_is_complete_and_as_of_now_nothing_under_way_is_missing(
    run: Sync, upstream: SandboxServer
) -> None:
    upstream.faults.add("body", "usage_report", times=None, status=403, text='{"error": {"message": "no"}}')
    run("directory", "cost", "usage")
    for as_of in (None, clock.now()):
        made = report("spend", question(**SPAN, interval="total", as_of=as_of))
        assert (made["complete"], made["data_through"]) == (False, None)
        rows = report("coverage", question(**SPAN, as_of=as_of))["rows"]
        assert [(row["source"], row["state"]) for row in rows] == [("usage", "missing"), ("cost", "settled")]
    upstream.faults.clear()
    run("usage")
    for as_of in (None, clock.now()):
        today = question(since=clock.today(), until=clock.today() + clock.DAY, as_of=as_of)
        rows = report("coverage", today)["rows"]
        assert {row["state"] for row in rows} == {"open", "settled"}
        ends = {row["source"]: row["until"] for row in rows}
        under_way = {"usage": "2026-11-20T15:00:00Z", "cost": "2026-11-21T00:00:00Z"}
        assert ends == (under_way if as_of is None else {"usage": "2026-11-20T14:00:00Z"})


def test_ing_06_before_the_directory_was_read_nothing_had_a_name(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("usage")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:06:00Z")
    before = printed("2026-11-20T14:05:00Z")
    assert "search-prod" not in before[0]
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:07:00Z")
    run("directory")
    assert printed("2026-11-20T14:05:00Z") == before


def test_what_changed_after_a_time_is_told_of_an_organization_that_was_connected_later(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("directory", "usage")
    upstream.restate(date(2026, 11, 12), change="up", workspace="search-prod")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-21T09:00:00Z")
    run("usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 14)))
    assert Organization.objects.get().created_at > clock.parse("2026-10-01T00:00:00Z")
    every = report("changes", question(**SPAN))["rows"]
    assert every
    assert report("changes", question(**SPAN, as_of=clock.parse("2026-10-01T00:00:00Z")))["rows"] == every
