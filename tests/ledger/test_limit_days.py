"""What a day of minutes came to beside its limits, against a scan of the minutes that knows nothing of the code."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.directory.limits import limits_at
from costwatch.directory.models import Organization
from costwatch.ingest.connect import client, connect
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.ingest.upkeep import days_to_make, upkeep
from costwatch.ledger.limit_days import Figures, figures
from costwatch.ledger.models import LimitDay, LimitDayMade, MinuteFact
from costwatch.upstream.sandbox.server import SandboxServer

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


@pytest.fixture
def read(upstream: SandboxServer, db: None, settings: object) -> Organization:
    """Minutes of 19 and 20 November, with the limits as the vendor lists them."""
    from costwatch.directory import mirror

    settings.BACKFILL_SINCE = "2026-11-19"  # type: ignore[attr-defined]
    with client() as opened:
        connection = connect(opened)
        sync(connection, "directory", Order())
        mirror.mirror_rate_limits(connection.organization, opened, datetime(2026, 11, 20, 14, 5, tzinfo=UTC))
        sync(connection, "minutes", Order())
        return connection.organization


def test_a_day_equals_a_scan_of_its_minutes_for_every_group_and_workspace(read: Organization, now: datetime) -> None:
    assert days_to_make(read, now) == [DAY]
    upkeep(now)
    assert days_to_make(read, now) == []
    limits = limits_at(read, START + timedelta(days=1))
    used: dict[tuple[str, str, str], dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for fact in MinuteFact.objects.filter(minute__gte=START, minute__lt=START + timedelta(days=1)).select_related(
        "series"
    ):
        series = fact.series
        if series.service_tier in ("batch", "priority", "priority_on_demand"):
            continue
        group = limits.group_of(series.model)
        name = group.id if group else f"model:{series.model}"
        spent = fact.uncached_input_tokens + fact.ephemeral_5m_input_tokens + fact.ephemeral_1h_input_tokens
        pools = {"fast_itpmca": spent, "fast_otpm": fact.output_tokens}
        if series.speed != "fast":
            pools = {
                "input_tokens_per_minute": spent,
                "input_tokens_per_minute_cache_aware": spent,
                "output_tokens_per_minute": fact.output_tokens,
            }
        for limiter, count in pools.items():
            for workspace in ("", series.workspace_id):
                used[name, workspace, limiter][fact.minute] += count
    rows = list(LimitDay.objects.filter(day=DAY))
    assert len(rows) > 30
    assert {row.workspace_key for row in rows} > {""}
    assert any(row.limit for row in rows)
    for row in rows:
        minutes = {at: count for at, count in used[row.group_id, row.workspace_key, row.limiter].items() if count}
        peak = max(minutes.values())
        assert (row.peak, row.minutes_active) == (peak, len(minutes))
        assert row.peak_at == min(at for at, count in minutes.items() if count == peak)
        if row.limit:
            over = [sum(10_000 * n > row.limit * share for n in minutes.values()) for share in (8000, 9500, 10_000)]
            assert [row.minutes_over_80, row.minutes_over_95, row.minutes_over_100] == over


def test_a_day_is_made_again_when_its_minutes_change(
    read: Organization, now: datetime, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep(now)
    before = {row.pk: row.peak for row in LimitDay.objects.filter(workspace_key="")}
    upstream.restate(START.replace(hour=20), change="up")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T15:06:00Z")
    with client() as opened:
        sync(connect(opened), "minutes", Order())
    later = datetime(2026, 11, 20, 15, 7, tzinfo=UTC)
    assert days_to_make(read, later) == [DAY]
    upkeep(later)
    assert LimitDayMade.objects.get().day == DAY
    assert {row.pk: row.peak for row in LimitDay.objects.filter(workspace_key="")} != before
