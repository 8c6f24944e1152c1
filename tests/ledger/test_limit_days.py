"""What a day of minutes came to beside its limits, against a scan of the minutes that knows nothing of the code."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from costwatch.directory.models import Organization, RateLimit, Reading
from costwatch.ingest.connect import client, connect
from costwatch.ingest.headroom import days_to_make, hours_to_make
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.ingest.upkeep import upkeep
from costwatch.ledger.limit_figures import Figures, figures, longest_streak, pack, unpack
from costwatch.ledger.limit_hours import LimitHistory
from costwatch.ledger.models import LimitDay, LimitDayMade, LimitHour, LimitHourMade
from costwatch.upstream.sandbox.server import SandboxServer
from tests.kept import kept, vendor
from tests.scan import scan

DAY = date(2026, 11, 19)
START = datetime(2026, 11, 19, tzinfo=UTC)


def test_the_figures_of_ten_minutes_by_hand() -> None:
    values = dict(zip(range(10), (10, 20, 30, 40, 50, 60, 70, 80, 90, 100), strict=True)) | {11: 0}
    assert figures(values, 90) == Figures(
        peak=100,
        peak_at=9,
        p95=100,
        median=50,
        minutes_active=10,
        minutes_over_80=3,
        minutes_over_95=2,
        minutes_over_100=1,
    )
    assert figures({0: 0}, 90) is None
    assert figures({3: 7, 4: 7}, None) == Figures(7, 3, 7, 7, 2, 0, 0, 0)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200), st.integers(1, 10**9))
def test_percentiles_are_values_that_occurred_and_minutes_over_a_share_never_grow_with_it(
    values: list[int], limit: int
) -> None:
    made = figures(dict(enumerate(values)), limit)
    assert made is not None
    assert {made.peak, made.p95, made.median} <= set(values)
    assert made.median <= made.p95 <= made.peak == values[made.peak_at]
    assert made.minutes_over_100 <= made.minutes_over_95 <= made.minutes_over_80 <= made.minutes_active
    assert made.minutes_over_80 == len([one for one in values if one / limit > 0.8 or one * 5 > limit * 4])


@pytest.fixture(scope="module")
def two_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Minutes of 19 and 20 November, with the limits as the vendor lists them."""
    with kept(django_db_blocker):
        with vendor("2026-11-19", "directory", "limits", "minutes") as (_, read):
            read()
        yield


@pytest.fixture
def read(two_days: None, db: None, now: datetime) -> Organization:
    """The organization they are of."""
    return Organization.objects.get()


def test_a_day_equals_a_scan_of_its_minutes_for_every_group_pool_and_workspace(
    read: Organization, now: datetime
) -> None:
    # What a run has read is made when it ends.
    assert hours_to_make(read, now) == {}
    assert days_to_make(read, now) == []
    used = scan(read, START, START + timedelta(days=1))
    rows = list(LimitDay.objects.filter(day=DAY))
    assert len(rows) > 30
    assert {row.workspace_key for row in rows} > {""}
    assert {row.pool for row in rows} >= {"", "fast", "batch"}
    assert any(row.limit for row in rows)
    for row in rows:
        of = used[row.group_id, row.pool, row.workspace_key, row.limiter]
        minutes = {at: count for at, count in of.items() if count}
        peak, ordered = max(minutes.values()), sorted(minutes.values())
        assert (row.peak, row.minutes_active) == (peak, len(minutes))
        assert row.peak_at == min(at for at, count in minutes.items() if count == peak)
        assert (row.p95, row.median) == (
            ordered[math.ceil(0.95 * len(ordered)) - 1],
            ordered[math.ceil(0.5 * len(ordered)) - 1],
        )
        if row.limit:
            over = [sum(10_000 * n > row.limit * share for n in minutes.values()) for share in (8000, 9500, 10_000)]
            assert [row.minutes_over_80, row.minutes_over_95, row.minutes_over_100] == over


def test_an_hour_equals_a_scan_of_its_minutes(read: Organization, now: datetime) -> None:
    hour = datetime(2026, 11, 20, 13, tzinfo=UTC)
    # What a poll touches is made when it ends.
    rows = list(LimitHour.objects.filter(hour=hour))
    used = scan(read, hour, hour + timedelta(hours=1))
    assert len(rows) > 30
    for row in rows:
        of = used[row.group_id, row.pool, row.workspace_key, row.limiter]
        values = [of[hour + timedelta(minutes=place)] for place in range(60)]
        assert unpack(row.values) == values
        assert (row.total, row.peak, row.minutes_active) == (sum(values), max(values), 60 - values.count(0))
    limited = {(row.group_id, row.pool, row.workspace_key, row.limiter) for row in rows}
    present = {key[:3] for key, of in used.items() if any(of.values())}
    assert {key[:3] for key in limited} == present


def test_hours_made_before_the_limits_were_known_are_made_again(read: Organization, now: datetime) -> None:
    upkeep(now)
    RateLimit.objects.all().delete()
    Reading.objects.filter(kind="rate_limit").delete()
    assert len(hours_to_make(read, now)) == LimitHourMade.objects.count()
    upkeep(now)
    assert set(LimitDay.objects.values_list("limit", flat=True)) == {None}


@given(st.lists(st.integers(0, 2**40), min_size=60, max_size=60))
def test_an_hours_values_come_back_as_they_were_packed(values: list[int]) -> None:
    assert unpack(pack(values)) == values
    assert len(pack([min(value, 2**32 - 1) for value in values])) == 240


@pytest.mark.django_db
def test_assumed_limits_are_those_that_were_published_on_the_day_in_any_order() -> None:
    """Tiers are named as today since 26 June 2026: before, nothing is known."""
    organization = Organization(external_id="org-1", name="Example Inc", created_at=START, assumed_tier="start")
    organization.save()
    history = LimitHistory(organization)
    for day, is_known in ((20, False), (28, True), (21, False), (29, True)):
        found = history.at(datetime(2026, 6, day, 9, tzinfo=UTC))
        assert bool(found.groups) == is_known


def test_the_longest_streak_above_a_share() -> None:
    assert longest_streak([81, 81, 80, 90, 100, 101, 0], 100, 80) == 3
    assert longest_streak([81, 81], None, 80) == 0
    assert longest_streak([], 100, 80) == 0


def figures_of_day() -> dict[tuple[str, ...], tuple[int, int, int]]:
    rows = LimitDay.objects.filter(day=DAY)
    return {(row.group_id, row.pool, row.workspace_key, row.limiter): (row.peak, row.p95, row.median) for row in rows}


def test_a_day_is_made_again_when_its_minutes_change(
    read: Organization, now: datetime, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    upkeep(now)
    before = figures_of_day()
    settings.BACKFILL_SINCE = "2026-11-19"
    upstream.restate(START.replace(hour=20), change="up")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T15:06:00Z")
    with client() as opened:
        sync(connect(opened), "minutes", Order())
    later = datetime(2026, 11, 20, 15, 7, tzinfo=UTC)
    assert days_to_make(read, later) == []
    assert LimitDayMade.objects.get().day == DAY
    after = figures_of_day()
    assert after.keys() == before.keys()
    assert after != before
