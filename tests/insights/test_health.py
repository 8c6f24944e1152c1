"""Data health: coverage by day, gaps, what is wrong, and the rhythm of the runs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.models import Coverage, Heartbeat, Installation, Quarantined, Run, Source
from costwatch.insights import health
from costwatch.insights.coverage_calendar import Gap, calendar
from costwatch.insights.health_checks import scheduler_rings, sources_are_read
from costwatch.insights.health_failures import told
from costwatch.insights.health_runs import run_page, usual
from costwatch.insights.health_totals import RESTLESS, Totals, Work

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Wrong = list[tuple[str, str, tuple[str, ...], int]]


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def cover(organization: Organization, source: str, start: datetime, count: int, state: str = "settled") -> None:
    width = HOUR if source == "usage" else DAY
    Coverage.objects.bulk_create(
        Coverage(
            organization=organization,
            source=source,
            start=start + width * index,
            end=start + width * (index + 1),
            state=state,
            digest=b"x" * 16,
            first_read_at=clock.now(),
            last_read_at=clock.now(),
            changed_at=clock.now(),
        )
        for index in range(count)
    )


@pytest.fixture
def read(organization: Organization) -> Organization:
    """Usage and cost of 11 to 20 November, 14:05, all read."""
    organization.history_since = date(2026, 11, 11)
    organization.save()
    cover(organization, "usage", at(11), 9 * 24 + 15)
    cover(organization, "cost", at(11), 10)
    for name in ("cost", "usage", "directory"):
        Source.objects.create(organization=organization, name=name, last_success_at=clock.now())
    return organization


def states(organization: Organization) -> dict[int, str]:
    return {one.day.day: one.state for one in calendar(organization).days}


def wrong(organization: Organization) -> Wrong:
    found = calendar(organization)
    listed = health.problems(organization, health.sources(organization, found), found)
    return [(one.kind, one.level, one.sources, one.count) for one in listed]


def test_a_history_without_a_hole_is_settled_and_nothing_is_wrong(read: Organization) -> None:
    assert states(read) == dict.fromkeys(range(11, 21), "settled")
    assert calendar(read).gaps == ()
    assert calendar(read).buckets == {"usage": {"settled": 231}, "cost": {"settled": 10}}
    assert wrong(read) == []
    assert {one.source: one.state for one in health.sources(read, calendar(read))} == {
        "directory": "complete",
        "limits": "unread",
        "cost": "complete",
        "usage": "complete",
        "minutes": "unread",
        "analytics": "unread",
        "claude_code": "unread",
    }


@pytest.mark.parametrize(
    ("usage", "cost", "called"),
    [
        ("revised", "settled", "revised"),
        ("revised", "open", "open"),
        ("inconsistent", "open", "inconsistent"),
        ("open", None, "missing"),
    ],
)
def test_a_day_is_called_by_its_worst_bucket(read: Organization, usage: str, cost: str | None, called: str) -> None:
    Coverage.objects.filter(source="usage", start=at(15, 7)).update(state=usage)
    days = Coverage.objects.filter(source="cost", start=at(15))
    if cost:
        days.update(state=cost)
    else:
        days.delete()
    assert states(read) == {**dict.fromkeys(range(11, 21), "settled"), 15: called}


def test_hours_that_were_not_read_are_a_gap_with_its_exact_span(read: Organization) -> None:
    Coverage.objects.filter(source="usage", start__gte=at(13, 22), start__lt=at(14, 3)).delete()
    found = calendar(read)
    assert found.gaps == (Gap("usage", at(13, 22), at(14, 3)),)
    assert found.gaps[0].length == 5 * HOUR
    assert {day.day.day: dict(day.sources["usage"]) for day in found.days if day.state == "missing"} == {
        13: {"settled": 22, "missing": 2},
        14: {"settled": 21, "missing": 3},
    }
    assert wrong(read) == [("gap", "warn", ("usage",), 0)]


def test_history_older_than_what_was_read_is_not_missing_but_to_come(read: Organization) -> None:
    Coverage.objects.filter(source="usage", start__lt=at(14)).delete()
    assert [states(read)[day] for day in (11, 13, 14)] == ["unread", "unread", "settled"]
    found = calendar(read)
    assert found.buckets["usage"]["unread"] == 72
    reading = health.backfill(read, found)
    assert reading is not None
    assert (reading.progress.done, reading.progress.total) == (15, 18)


def test_the_rate_of_a_backfill_is_what_the_last_two_minutes_brought(read: Organization) -> None:
    Coverage.objects.filter(source="usage", start__lt=at(14)).delete()
    Coverage.objects.update(first_read_at=clock.now() - timedelta(hours=1))
    lately = Coverage.objects.filter(source="usage", start__lt=at(16))
    lately.update(first_read_at=clock.now() - timedelta(seconds=30))
    reading = health.backfill(read, calendar(read))
    assert reading is not None
    assert (reading.days_a_minute, reading.left) == (4.0, timedelta(seconds=45))


def test_an_hour_is_missing_only_when_the_source_had_its_time(read: Organization) -> None:
    Coverage.objects.filter(source="usage", start__gte=at(20, 14)).delete()
    with clock.frozen(at(20, 14) + timedelta(minutes=29)):
        assert "missing" not in states(read).values()
    with clock.frozen(at(20, 14) + timedelta(minutes=31)):
        assert states(read)[20] == "missing"


def test_a_source_closed_to_the_key_has_no_coverage_and_its_reason_is_said(read: Organization) -> None:
    Source.objects.filter(name="cost").update(available=False, reason="403 permission_error: no. (request req_7)")
    assert calendar(read).buckets == {"usage": {"settled": 231}}
    (problem,) = health.problems(read, health.sources(read, calendar(read)), calendar(read))
    assert (problem.kind, problem.level, problem.why, problem.request) == (
        "closed",
        "info",
        "403 permission_error: no.",
        "req_7",
    )


def test_sources_that_fail_for_one_reason_are_one_problem(read: Organization) -> None:
    said = "401 authentication_error: API key is disabled. (request req_011)"
    Source.objects.update(failures=3, last_success_at=at(20, 11))
    Source.objects.filter(name="usage").update(last_error=f"2026-11-20T10:00:00Z to 2026-11-20T14:00:00Z: {said}")
    Source.objects.filter(name="cost").update(last_error=f"2026-11-19 to 2026-11-21: {said}\nand 2 more")
    Source.objects.filter(name="directory").update(last_error="the run: no answer within 60 s")
    found = health.problems(read, health.sources(read, calendar(read)), calendar(read))
    assert [(one.kind, one.sources, one.why, one.request, one.since) for one in found] == [
        ("failing", ("cost", "usage"), "401 authentication_error: API key is disabled.", "req_011", at(20, 11)),
        ("failing", ("directory",), "no answer within 60 s", "", at(20, 11)),
    ]


def test_inconsistent_hours_rows_set_aside_and_a_refused_connection_are_wrong(read: Organization) -> None:
    Coverage.objects.filter(source="usage", start__gte=at(12), start__lt=at(12, 3)).update(state="inconsistent")
    for _ in range(2):
        Quarantined.objects.create(
            organization=read, source="cost", bucket_start=at(13), reason="no", raw="{}", seen_at=clock.now(), run=1
        )
    Installation.objects.create(kind="real", anchor=clock.now(), connect_error="401: who?")
    assert wrong(read) == [
        ("unconnected", "warn", (), 0),
        ("inconsistent", "warn", ("usage",), 3),
        ("set_aside", "warn", ("cost",), 2),
    ]
    states = {one.source: one.state for one in health.sources(read, calendar(read))}
    assert (states["usage"], states["cost"]) == ("inconsistent", "complete")


def test_usage_that_is_closed_stops_everything_and_an_organization_let_go_is_one_line(read: Organization) -> None:
    Source.objects.filter(name__in=("usage", "cost")).update(available=False, reason="403 permission_error: no.")
    assert wrong(read) == [("closed", "danger", ("usage",), 0), ("closed", "info", ("cost",), 0)]
    Source.objects.update(available=False, reason="no credential reads this organization any more")
    assert wrong(read) == [("let_go", "warn", (), 0)]


@pytest.mark.parametrize(("part", "age", "listed"), [("beat", 179, 0), ("beat", 181, 1), ("worker", 181, 1)])
def test_tsk_06_a_scheduler_or_worker_silent_for_three_minutes_is_said(
    read: Organization, part: str, age: int, listed: int
) -> None:
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    assert scheduler_rings()
    seen = Heartbeat.objects.get(role=part)
    Heartbeat.objects.filter(role=part).update(at=seen.at - timedelta(seconds=age))
    assert [one for one in wrong(read) if one[0] == "silent"] == [("silent", "danger", (part,), 0)] * listed
    assert scheduler_rings() is not bool(listed)


def test_tsk_06_a_scheduler_that_never_rang_is_not_ready(db: None) -> None:
    assert not scheduler_rings()


@pytest.mark.parametrize(("source", "minutes"), [("usage", 30), ("cost", 180), ("directory", 180)])
def test_a_source_not_read_for_longer_than_it_may_take_is_late(
    read: Organization, monkeypatch: pytest.MonkeyPatch, source: str, minutes: int
) -> None:
    monkeypatch.delenv("COSTWATCH_NOW")
    Source.objects.update(last_success_at=clock.now())
    mine = Source.objects.filter(name=source)
    for late, expected in ((minutes - 1, []), (minutes + 1, [("late", "warn", (source,), 0)])):
        mine.update(last_success_at=clock.now() - timedelta(minutes=late))
        assert [one for one in wrong(read) if one[0] == "late"] == expected
        assert sources_are_read() is not bool(expected)


def test_a_first_read_has_its_time_and_a_key_that_never_worked_does_not_hide(organization: Organization) -> None:
    assert sources_are_read()
    Source.objects.create(organization=organization, name="usage", failures=1, last_error="401")
    Run.objects.create(organization=organization, source="usage", started_at=clock.now() - timedelta(minutes=29))
    assert sources_are_read()
    Run.objects.update(started_at=clock.now() - timedelta(minutes=31))
    assert not sources_are_read()
    # What the key may not read is not waited for, unless amounts are made of it.
    Source.objects.update(available=False)
    assert not sources_are_read()
    Source.objects.update(name="cost")
    assert sources_are_read()


def add_runs(organization: Organization, count: int, every: timedelta, **more: object) -> list[Run]:
    first = clock.now() - every * count
    return [
        Run.objects.create(
            organization=organization,
            source="usage",
            outcome="succeeded",
            started_at=first + every * index,
            finished_at=first + every * index,
            duration_ms=1800 + index,
            requests=4,
            rows_read=400,
            rows_changed=2,
            **{"until": clock.now() + HOUR, **more},
        )
        for index in range(count)
    ]


def test_the_usual_delay_is_the_median_wait_between_reads_of_the_newest_data(organization: Organization) -> None:
    add_runs(organization, 3, timedelta(minutes=5))
    assert usual(organization, "usage").delay is None
    Run.objects.all().delete()
    add_runs(organization, 9, timedelta(minutes=5))
    add_runs(organization, 3, timedelta(seconds=20), until=at(1))
    found = usual(organization, "usage")
    assert (found.delay, found.duration) == (timedelta(minutes=5), timedelta(milliseconds=1804))


def test_the_log_is_paged_by_key_without_loss_or_repeat(organization: Organization) -> None:
    made = [run.pk for run in add_runs(organization, 120, timedelta(minutes=1))]
    seen: list[int] = []
    before: int | None = None
    while True:
        page, before = run_page(organization, before)
        seen += [one.id for one in page]
        if before is None:
            break
    assert seen == made[::-1]


def test_counters_add_each_run_once_and_follow_those_at_work(organization: Organization) -> None:
    totals = Totals()
    key = (organization.pk, "usage", "succeeded")
    assert totals.get() == {}
    add_runs(organization, 10, timedelta(minutes=1))
    at_work = Run.objects.create(organization=organization, source="cost", started_at=clock.now(), requests=1)
    add_runs(organization, RESTLESS + 30, timedelta(minutes=1))
    assert totals.get()[key] == Work(90, 360, 36_000, 180, sum(range(1800, 1810)) + sum(range(1800, 1880)))
    Run.objects.filter(pk=at_work.pk).update(outcome="failed", requests=7)
    assert totals.get()[organization.pk, "cost", "failed"].requests == 7
    with CaptureQueriesContext(connection) as asked:
        assert totals.get()[key].runs == 90
    assert len(asked) == 4
    Run.objects.all().delete()
    assert totals.get() == {}


@pytest.mark.parametrize(
    ("error", "sentence", "request_id"),
    [
        ("the run: 401 a: b. (request req_1)", "401 a: b.", "req_1"),
        ("2026-11-15 to 2026-11-22: no answer (request req_2)\nsecond", "no answer", "req_2"),
        ("2026-11-15T00:00:00Z to 2026-11-15T05:00:00Z: 500 x: y", "500 x: y", ""),
        ("the key is missing: put it there", "the key is missing: put it there", ""),
        ("", "", ""),
    ],
)
def test_the_vendors_sentence_and_request_id_are_told_apart(error: str, sentence: str, request_id: str) -> None:
    assert told(error) == (sentence, request_id)


def test_the_page_asks_as_many_questions_for_400_days_as_for_ten(read: Organization) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            found = calendar(read)
            health.problems(read, health.sources(read, found), found)
        return len(queries)

    few = asked()
    read.history_since = date(2025, 10, 16)
    read.save()
    first = datetime(2025, 10, 16, tzinfo=UTC)
    cover(read, "usage", first, int((at(11) - first) / HOUR))
    cover(read, "cost", first, (at(11) - first).days)
    assert len(calendar(read).days) == 401
    assert asked() == few
