"""Minutes: what is due when, and that they are what the vendor said, beside the hours and never summed with them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from pytest_django import DjangoDbBlocker

from costwatch import clock
from costwatch.clock import DAY, HOUR
from costwatch.ingest.minute_plan import due_minutes
from costwatch.ingest.models import Coverage, Run, Source
from costwatch.ingest.order import Order
from costwatch.ingest.plan import Standing, Why
from costwatch.ledger import partitions
from costwatch.ledger.models import COUNTS, Fact, MinuteFact
from costwatch.upstream.sandbox.server import SandboxServer
from tests.kept import kept, vendor

from .conftest import Sync

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
HOUR_NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
Told = list[tuple[str, str, str]]


def told(known: dict[datetime, Standing], now: datetime, polled: datetime | None, days: int = 3) -> Told:
    planned = due_minutes(known, since=clock.floor_day(now) - days * DAY, now=now, polled_at=polled)
    return [(f"{one.window.start:%d %H:%M}", f"{one.window.end:%d %H:%M}", str(one.why)) for one in planned]


def read_whole(now: datetime, at: datetime, hours: int = 87, is_open: bool = False) -> dict[datetime, Standing]:
    starts = [clock.floor_hour(now) - n * HOUR for n in range(hours)]
    return {start: Standing(start + HOUR, is_open and start > now - 12 * HOUR, at) for start in starts}


def test_the_first_read_takes_the_last_day_at_once_and_then_what_is_older_by_the_day() -> None:
    assert told({}, NOW, None) == [
        ("19 15:00", "20 15:00", "recent"),
        ("19 00:00", "19 15:00", "missing"),
        ("18 00:00", "19 00:00", "missing"),
        ("17 00:00", "18 00:00", "missing"),
    ]


def test_the_newest_twenty_minutes_are_polled_every_five() -> None:
    now = datetime(2026, 11, 20, 14, 23, 40, tzinfo=UTC)
    known = read_whole(now, HOUR_NOW + timedelta(minutes=5))
    assert told(known, now, now - timedelta(minutes=4)) == []
    assert told(known, now, now - timedelta(minutes=5)) == [("20 14:04", "20 14:24", "recent")]
    known.pop(HOUR_NOW)
    assert told(known, now, now - timedelta(minutes=5)) == [("20 14:04", "20 14:24", "recent")]


def test_once_an_hour_the_last_day_is_read_and_that_is_a_poll_too() -> None:
    known = read_whole(NOW, datetime(2026, 11, 20, 13, 6, tzinfo=UTC))
    assert told(known, NOW - timedelta(minutes=1), NOW - timedelta(minutes=3)) == []
    assert told(known, NOW, NOW - timedelta(minutes=9)) == [("19 15:00", "20 15:00", "recent")]


def test_six_hours_after_a_day_ended_the_last_two_are_read_once_more() -> None:
    now = datetime(2026, 11, 20, 6, 5, tzinfo=UTC)
    known = read_whole(now, datetime(2026, 11, 20, 5, 30, tzinfo=UTC))
    assert ("18 00:00", "19 00:00", "again") in told(known, now, now)
    assert ("18 00:00", "19 00:00", "again") not in told(known, now - timedelta(minutes=1), now)
    later = read_whole(now, now)
    assert told(later, now + timedelta(minutes=3), now) == []


@pytest.fixture(scope="module")
def three_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The minutes of 18 to 20 November, and the hours they belong to."""
    with kept(django_db_blocker):
        with vendor("2026-11-18", "directory", "usage", "minutes") as (_, read):
            read()
        yield


@pytest.fixture
def minutes(three_days: None, db: None, upstream: SandboxServer, settings: object) -> SandboxServer:
    """The vendor they were read from."""
    settings.BACKFILL_SINCE = "2026-11-18"  # type: ignore[attr-defined]
    return upstream


def test_sixty_minutes_are_their_hour_for_every_key_model_tier_and_speed(minutes: SandboxServer) -> None:
    by = ("series__api_key_id", "series__workspace_id", "series__model", "series__service_tier", "series__speed")
    day = datetime(2026, 11, 19, tzinfo=UTC)
    for hour in (day, day + 9 * HOUR, day + 23 * HOUR):
        hours = Fact.objects.filter(bucket_start=hour).values(*by).annotate(**{c: Sum(c) for c in COUNTS})
        those = MinuteFact.objects.filter(minute__gte=hour, minute__lt=hour + HOUR)
        summed = those.values(*by).annotate(**{c: Sum(c) for c in COUNTS})
        assert {tuple(row.values()) for row in summed} == {tuple(row.values()) for row in hours}
        assert summed.count() > 10
    assert MinuteFact.objects.filter(series__speed="fast").exists()


def test_minutes_that_are_read_again_and_equal_settle_and_write_nothing(minutes: SandboxServer, run: Sync) -> None:
    before = list(MinuteFact.objects.order_by("minute", "series").values())
    again = run("minutes", order=Order(since=date(2026, 11, 19), until=date(2026, 11, 20)))["minutes"]
    assert again is not None
    assert (again.outcome, again.rows_changed) == (Run.Outcome.SUCCEEDED, 0)
    assert list(MinuteFact.objects.order_by("minute", "series").values()) == before
    yesterday = Coverage.objects.filter(source="minutes", start__date=date(2026, 11, 19))
    assert set(yesterday.values_list("state", flat=True)) == {"settled"}


def test_ing_05_a_minute_is_replaced_as_a_set(minutes: SandboxServer, run: Sync) -> None:
    hour = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for change in ("down", "vanish"):
        minutes.restate(hour, change=change)
        run("usage", "minutes", order=Order(since=date(2026, 11, 20), until=date(2026, 11, 21)))
        here = MinuteFact.objects.filter(minute__gte=hour, minute__lt=hour + HOUR)
        assert (
            here.aggregate(n=Sum("output_tokens"))["n"]
            == (Fact.objects.filter(bucket_start=hour).aggregate(n=Sum("output_tokens"))["n"])
        )


def test_a_poll_of_twenty_minutes_leaves_the_rest_of_the_hour_and_is_no_whole_read(
    minutes: SandboxServer, run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_at = dict(Coverage.objects.filter(source="minutes").values_list("start", "last_read_at"))
    for at in ("14:20", "14:25"):
        monkeypatch.setenv("COSTWATCH_NOW", f"2026-11-20T{at}:00Z")
        found = run("minutes")["minutes"]
        assert found is not None
        assert (found.windows_done, found.asked) == (1, {"recent": 2})
    row = Coverage.objects.get(source="minutes", start=HOUR_NOW)
    assert (row.state, row.last_read_at) == ("open", read_at[HOUR_NOW])
    assert bytes(row.digest).count(b"\x00" * 16) == 34
    assert MinuteFact.objects.filter(minute__gte=HOUR_NOW + timedelta(minutes=20)).exists()
    assert Source.objects.get(name="minutes").polled_at == datetime(2026, 11, 20, 14, 25, tzinfo=UTC)


def test_minutes_are_kept_for_thirty_five_days(minutes: SandboxServer) -> None:
    assert partitions.oldest_kept(date(2026, 12, 24)) == date(2026, 11, 19)
    kept = MinuteFact.objects.filter(minute__gte=datetime(2026, 11, 19, tzinfo=UTC)).count()
    assert MinuteFact.objects.count() > kept
    assert partitions.drop_before(date(2026, 11, 19)) >= 1
    assert MinuteFact.objects.count() == kept > 0


def test_on_postgresql_a_day_of_minutes_is_a_partition(minutes: SandboxServer) -> None:
    if connection.vendor != "postgresql":
        assert partitions.drop_before(date(2026, 1, 1)) == 0
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE relname = %s", [partitions.TABLE])
        assert cursor.fetchone() == ("p",)
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass(%s)", [partitions.TABLE])
        assert cursor.fetchone() == (3,)


def test_a_reason_is_written_down_with_the_run(minutes: SandboxServer) -> None:
    newest = Run.objects.filter(source="minutes").order_by("-pk")[0]
    assert newest.asked.keys() <= {str(why) for why in Why}
