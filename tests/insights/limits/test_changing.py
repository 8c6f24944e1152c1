"""Limits that change, groups that change, answers of an older shape, and limits that may not be read."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from costwatch.directory.limits import assume, limits_now
from costwatch.directory.models import Organization
from costwatch.ingest.connect import client, connect
from costwatch.ingest.headroom import hours_to_make
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.ingest.upkeep import upkeep
from costwatch.insights.limits.lines import lines
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger.models import LimitHour, MinuteFact
from costwatch.upstream.sandbox.server import SandboxServer
from tests.hot import Read

# The sandbox moves Opus 5 from one group to another on this day, and raises a limit three days later.
REGROUPED, RAISED = datetime(2026, 11, 11, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC)
INPUT, OUTPUT = "input_tokens_per_minute_cache_aware", "output_tokens_per_minute"


def read(moment: str, monkeypatch: pytest.MonkeyPatch, *sources: str) -> Organization:
    monkeypatch.setenv("COSTWATCH_NOW", moment)
    with client() as opened:
        connection = connect(opened)
        for source in sources:
            sync(connection, source, Order())
        return connection.organization


def test_a_model_that_changes_its_group_counts_for_each_in_its_time(
    upstream: SandboxServer, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-10"
    read("2026-11-10T23:50:00Z", monkeypatch, "directory", "limits")
    organization = read("2026-11-11T02:30:00Z", monkeypatch, "limits", "minutes")
    groups = {group.name: group.id for group in limits_now(organization).groups.values()}
    read("2026-11-11T13:30:00Z", monkeypatch, "minutes")

    def counted(group: str, since: datetime, until: datetime) -> int:
        rows = LimitHour.objects.filter(
            group_id=groups[group], pool="", workspace_key="", limiter=OUTPUT, hour__gte=since, hour__lt=until
        )
        return sum(rows.values_list("total", flat=True))

    def used(models: tuple[str, ...], since: datetime, until: datetime) -> int:
        facts = MinuteFact.objects.filter(minute__gte=since, minute__lt=until, series__model__in=models)
        facts = facts.filter(series__service_tier="standard").exclude(series__speed="fast")
        return sum(facts.values_list("output_tokens", flat=True))

    # It was seen to have moved at 02:30; an hour is held against what was known at its end.
    first, moved, last = REGROUPED - timedelta(days=1), REGROUPED.replace(hour=2), REGROUPED.replace(hour=13)
    assert counted("Claude Opus 4.x", first, moved) == used(("claude-opus-5",), first, moved) > 0
    assert counted("Claude Opus 5.x", first, moved) == used(("claude-opus-5-5",), first, moved) > 0
    assert counted("Claude Opus 4.x", moved, last) == 0 < used(("claude-opus-5",), moved, last)
    assert counted("Claude Opus 5.x", moved, last) == used(("claude-opus-5", "claude-opus-5-5"), moved, last)


def test_minutes_are_held_against_the_limit_of_their_time(
    upstream: SandboxServer, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-13"
    read("2026-11-13T12:00:00Z", monkeypatch, "directory", "limits")
    organization = read("2026-11-14T12:30:00Z", monkeypatch, "limits", "minutes")
    opus = next(group.id for group in limits_now(organization).groups.values() if group.name == "Claude Opus 5.x")
    rows = LimitHour.objects.filter(group_id=opus, workspace_key="", pool="", limiter=INPUT)
    before = set(rows.filter(hour__lt=datetime(2026, 11, 14, 11, tzinfo=UTC)).values_list("limit", flat=True))
    after = set(rows.filter(hour=datetime(2026, 11, 14, 12, tzinfo=UTC)).values_list("limit", flat=True))
    assert (before, after) == ({2_000_000}, {2_200_000})
    # The page has what is in force now beside what was used.
    line = next(line for line in lines(organization).lines if (line.key.group_id, line.key.pool) == (opus, ""))
    assert next(one.limit for one in line.against if one.limiter == INPUT) == 2_200_000


def test_a_group_whose_id_changes_with_the_shape_of_the_answers_goes_on(
    upstream: SandboxServer, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-20"
    upstream.sandbox.offer.change(rate_limits="old")
    organization = read("2026-11-20T13:05:00Z", monkeypatch, "directory", "limits", "minutes")
    before = {one.key.group_id for one in lines(organization).lines}
    upstream.sandbox.offer.change(rate_limits="new")
    read("2026-11-20T14:07:00Z", monkeypatch, "limits", "minutes")
    found = lines(organization)
    # Nothing of the day stands on a line of its own under the id it had.
    assert len({one.key for one in found.lines}) == len(
        {(one.group, one.key.pool, one.key.workspace_key) for one in found.lines}
    )
    groups = {one.key.group_id for one in found.lines if one.key.group_id in found.limits.groups}
    assert groups
    assert not before & groups
    opus = next(
        one
        for one in found.lines
        if one.group == "Claude Opus 5.x" and one.key.workspace_key == "" and not one.key.pool
    )
    rows = LimitHour.objects.filter(group_id=opus.key.group_id, workspace_key="", pool="", limiter=OUTPUT)
    assert rows.order_by("hour").values_list("hour", flat=True)[0] == datetime(2026, 11, 20, tzinfo=UTC)
    assert opus.binding.limit is not None
    assert not LimitHour.objects.filter(group_id__startswith="model_group").exists()


def test_answers_of_the_older_shape_give_the_same_lines(reading: Read, upstream: SandboxServer) -> None:
    upstream.sandbox.offer.change(rate_limits="old")
    found = lines(reading("2026-11-20", room="usual"))
    limited = [line for line in found.lines if line.binding.limit]
    assert len(limited) > 20
    # Its groups have no names: they are called by their models.
    assert {line.group for line in limited} >= {"claude-opus-5, claude-opus-5-5", "claude-haiku-5-5"}


def test_without_the_endpoint_a_picked_tier_is_assumed_and_every_row_says_so(
    reading: Read, upstream: SandboxServer, now: datetime
) -> None:
    upstream.sandbox.offer.change(rate_limits="forbidden")
    organization = reading("2026-11-20", room="usual")
    assert {line.binding.limit for line in lines(organization).lines} == {None}
    assume(organization, tier="scale", by="finance@example.com")
    organization.refresh_from_db()
    assert hours_to_make(organization, now)
    upkeep(now)
    limited = [line for line in lines(organization).lines if line.binding.limit is not None]
    assert {line.binding.source for line in limited} == {"assumed"}
    span = {"since": date(2026, 11, 20), "until": date(2026, 11, 21), "interval": "total"}
    rows = [row for row in report("limits", question(**span))["rows"] if row["limit"] is not None]  # type: ignore[arg-type]
    assert {row["source"] for row in rows} == {"assumed"}
    haiku = [row for row in rows if row["limiter"] == "output_tokens_per_minute" and row["workspace_id"] is None]
    assert {row["limit"] for row in haiku} == {80_000, 800_000, 2_000_000}
