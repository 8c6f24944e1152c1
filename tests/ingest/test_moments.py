"""When something was asked, and what an hour divides into, are no details: both decide what is final."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum

from costwatch.directory.models import Organization
from costwatch.ingest import coverage, raw
from costwatch.ingest.chains import Chains, Reader
from costwatch.ingest.coverage import Owner
from costwatch.ingest.models import Coverage
from costwatch.ingest.order import Order
from costwatch.ingest.plan import Planned
from costwatch.ingest.sync import Waits
from costwatch.ledger.models import Fact, MinuteFact
from costwatch.upstream.pages import Bucket, bucket_of
from costwatch.upstream.sandbox.buckets import DAY, HOUR, seconds
from costwatch.upstream.sandbox.server import SandboxServer
from costwatch.upstream.sandbox.streams import DIMENSIONS

from .conftest import Sync

SPEED, KEY, WORKSPACE = (DIMENSIONS.index(name) for name in ("speed", "api_key_id", "workspace_id"))


def test_an_hour_that_ended_while_its_answer_was_on_the_way_was_not_read_after_its_end(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.BACKFILL_SINCE = "2026-11-20"
    run("directory")
    read = Reader.read

    def slowly(self: Reader, planned: Planned, limit: int = 0) -> Chains:
        found = read(self, planned, limit)
        monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T15:00:40Z")
        return found

    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:59:50Z")
    with monkeypatch.context() as slow:
        slow.setattr(Reader, "read", slowly)
        run("usage")
    hour = Coverage.objects.get(source="usage", start=datetime(2026, 11, 20, 14, tzinfo=UTC))
    assert (hour.state, hour.whole_at) == ("open", None)
    assert hour.last_read_at == datetime(2026, 11, 20, 14, 59, 50, tzinfo=UTC)


def test_usage_that_moves_to_another_speed_under_the_same_base_is_seen_within_two_hours(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.BACKFILL_SINCE = "2026-11-19"
    run("directory", "usage")
    hour = datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert Coverage.objects.get(source="usage", start=hour).state == "settled"
    history = upstream.sandbox.history
    day, of_day = seconds(hour) // DAY, seconds(hour) % DAY // HOUR
    rows = dict(history.hours(day)[of_day])
    fast = next(number for number in rows if history.streams.all[number].place[SPEED] == "fast")
    stream = history.streams.all[fast]
    slot = next(
        one for one in history.slots if (one.api_key, one.workspace) == (stream.place[KEY], stream.place[WORKSPACE])
    )
    plain = history.streams.intern(slot, replace(stream.terms, speed="standard")).number
    moved = tuple(a + b for a, b in zip(rows.get(plain, (0,) * 6), rows[fast], strict=True))
    history.change(day, of_day, {fast: (0,) * 6, plain: moved})  # type: ignore[dict-item]

    def sums() -> dict[str, int]:
        found = Fact.objects.filter(bucket_start=hour).values_list("series__speed").annotate(Sum("output_tokens"))
        return dict(found.order_by())

    before = sums()
    for minutes in range(3, 66, 3):
        monkeypatch.setenv(
            "COSTWATCH_NOW", (datetime(2026, 11, 20, 14, 5, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()
        )
        run("usage", order=Order(paced=True))
    after = sums()
    assert sum(after.values()) == sum(before.values())
    assert after["standard"] == before["standard"] + rows[fast][4]
    assert Coverage.objects.get(source="usage", start=hour).state == "revised"


def test_analytics_wait_for_the_names_of_the_directory(run: Sync, upstream: SandboxServer) -> None:
    upstream.faults.add("server_error", path="/workspaces", times=None, status=500)
    failed = run("directory")["directory"]
    assert failed is not None
    assert failed.outcome == "failed"
    with pytest.raises(Waits, match="waits for the directory"):
        run("analytics")
    upstream.faults.clear()
    read = run("directory", "analytics")
    assert read["analytics"] is not None
    assert read["analytics"].outcome == "succeeded"


def test_a_revised_hour_whose_total_differed_is_compared_until_it_does(organization: Organization) -> None:
    start = datetime(2026, 11, 10, tzinfo=UTC)
    for hour, state, total_ok in (
        (0, "revised", False),
        (1, "revised", None),
        (2, "revised", True),
        (3, "settled", True),
    ):
        at = start + timedelta(hours=hour)
        Coverage.objects.create(
            organization=organization,
            source="usage",
            start=at,
            end=at + timedelta(hours=1),
            state=state,
            digest=b"",
            first_read_at=at,
            last_read_at=at,
            changed_at=at,
            control_total_ok=total_ok,
        )
    found = coverage.standings(organization.pk, "usage", start, start + timedelta(hours=4), compares=True)
    assert [(one.is_open, one.differed) for one in found.values()] == [
        (True, True),
        (True, False),
        (False, False),
        (False, False),
    ]


def test_a_later_whole_answer_replaces_what_an_earlier_one_had_besides(organization: Organization) -> None:
    owner, start = Owner(organization.pk, "usage"), datetime(2026, 11, 20, 5, tzinfo=UTC)
    end = start + timedelta(hours=1)

    def keep(minute: int, *chains: str, is_whole: bool) -> None:
        told: dict[str, Bucket] = {name: bucket_of(start, end, []) for name in chains}
        raw.keep(
            owner=owner,
            buckets={start: told},
            whole={start} if is_whole else (),
            width=timedelta(hours=1),
            run=1,
            now=end + timedelta(minutes=minute),
        )

    keep(1, "base", "fast", "long", "fast_long", is_whole=True)
    keep(2, "base", "fast", "long", is_whole=True)
    keep(3, "base", is_whole=False)
    (kept,) = raw.kept(owner, start, end, timedelta(hours=1))
    assert (sorted(kept.chains), kept.is_whole) == (["base", "fast", "long"], True)


def test_a_bucket_that_was_final_is_revised_when_what_spoiled_it_is_gone(organization: Organization) -> None:
    owner, start = Owner(organization.pk, "cost"), datetime(2026, 11, 1, tzinfo=UTC)

    def read(day: int, rejected: int, changed: bool) -> str:
        now = datetime(2026, 11, day, 12, tzinfo=UTC)
        told = coverage.Read(start, start + timedelta(days=1), bytes([day]) * 16, rejected, total_ok=None, split=b"x")
        before = coverage.known(owner.organization_id, owner.source, {start})
        coverage.keep(owner=owner, reads=[told], before=before, changed={start} if changed else set(), run=1, now=now)
        return str(Coverage.objects.get().state)

    assert [read(3, 0, True), read(4, 0, False)] == ["open", "settled"]
    assert [read(5, 1, True), read(6, 1, False), read(7, 0, True), read(8, 0, False)] == [
        "inconsistent",
        "inconsistent",
        "revised",
        "revised",
    ]


def test_minutes_are_read_once_more_when_an_hour_older_than_two_days_is_restated(
    run: Sync, upstream: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-17"
    run("directory", "usage", "minutes")
    hour = datetime(2026, 11, 17, 10, tzinfo=UTC)
    minutes = Coverage.objects.filter(source="minutes", start=hour)
    assert minutes.get().state == "settled"

    def totals() -> tuple[int, int]:
        of_hour = Fact.objects.filter(bucket_start=hour).aggregate(n=Sum("output_tokens"))["n"]
        span = MinuteFact.objects.filter(minute__gte=hour, minute__lt=hour + timedelta(hours=1))
        return of_hour, span.aggregate(n=Sum("output_tokens"))["n"]

    before = totals()
    assert before[0] == before[1]
    upstream.restate(hour, change="up")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T20:10:00Z")
    run("usage")
    assert minutes.get().state == "open"
    run("minutes")
    after = totals()
    assert after[0] == after[1] > before[0]
    assert minutes.get().state == "settled"
