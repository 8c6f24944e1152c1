"""Derived rows: charges on the day per series, and the sums above it.

Everything here can be thrown away and made again from facts and prices. Rows that would not change are not written.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Model, Sum, When

from costwatch import clock, money
from costwatch.ledger.dimensions import Counts
from costwatch.ledger.models import (
    COUNTS,
    MONEY,
    Fact,
    GroupDay,
    ReportedLine,
    Series,
    SeriesDay,
    StaleMonth,
)
from costwatch.ledger.prices import Prices
from costwatch.ledger.store import store
from costwatch.ledger.store.tables import GROUP_DAY, GROUP_MONTH, REPORTED_MONTH, SERIES_DAY, SERIES_MONTH, Table
from costwatch.money import ExactSum
from pricing.calculate import charge

Charged = tuple[Any, ...]
PRICED_BY = ("model", "service_tier", "context_window", "inference_geo", "speed")
_CHARGED = (*COUNTS, *MONEY, "unpriced_tokens")


def refresh_days(*, organization_id: int, days: Iterable[date], prices: Prices) -> None:
    """Make the day rollups of some days, and their group months, from the facts. Call in a transaction."""
    days = sorted(set(days))
    for day in days:
        start = clock.midnight(day)
        sums = (
            Fact.objects.filter(
                bucket_start__gte=start, bucket_start__lt=start + clock.DAY, series__organization=organization_id
            )
            .values("series_id")
            .annotate(**{f"sum_{count}": Sum(count) for count in COUNTS})
            .values_list("series_id", *(f"sum_{count}" for count in COUNTS))
        )
        write_day(organization_id, day, {row[0]: tuple(row[1:]) for row in sums}, prices)
    refresh_group_months(organization_id=organization_id, days=days)
    mark_stale(organization_id=organization_id, days=days)


def refresh_group_months(*, organization_id: int, days: Iterable[date]) -> None:
    """Make the months per group that hold some days."""
    for month in sorted({clock.month_start(day) for day in days}):
        _refresh_month(organization_id, month, GroupDay, GROUP_MONTH, "group")


def refresh_reported_months(*, organization_id: int, days: Iterable[date]) -> None:
    """Make the months of the cost report that hold some days. Call in the transaction that writes their lines."""
    for month in sorted({clock.month_start(day) for day in days}):
        sums = (
            ReportedLine.objects.filter(
                day__gte=month, day__lt=clock.next_month(month), series__organization=organization_id
            )
            .values("series_id")
            .annotate(sum_amount=ExactSum("amount"))
            .values_list("series_id", "sum_amount")
        )
        store().replace(REPORTED_MONTH, organization_id, {month: {number: (amount,) for number, amount in sums}})


def mark_stale(*, organization_id: int, days: Iterable[date]) -> None:
    """Note the months whose rows per series must follow some days. Call in the transaction that writes the days."""
    months = {clock.month_start(day) for day in days}
    known = set(
        StaleMonth.objects.filter(organization=organization_id, month__in=months).values_list("month", flat=True)
    )
    StaleMonth.objects.bulk_create(
        (StaleMonth(organization_id=organization_id, month=month) for month in sorted(months - known)),
        ignore_conflicts=True,
    )


def refresh_series_months(*, organization_id: int, fence: Callable[[], None] = lambda: None) -> None:
    """Make the stale months per series, a transaction each: once a run, for after each day it would be too dear.

    Only whoever alone writes the organization's usage may: a day written meanwhile would not be in its month, and the
    note that says so gone. `fence` is called in each transaction and raises where that does not hold any more.
    """
    for stale in StaleMonth.objects.filter(organization=organization_id).order_by("-month"):
        with transaction.atomic():
            fence()
            _refresh_month(organization_id, stale.month, SeriesDay, SERIES_MONTH, "series")
            stale.delete()


def write_day(organization_id: int, day: date, counts: Mapping[int, Counts], prices: Prices) -> None:
    """Price one day's counts per series and write the two day rollups where they differ."""
    by_series: dict[int, Charged] = {}
    by_group: dict[int, list[Any]] = {}
    rates = prices.table.on(day)
    # Without terms of its own an organization pays list.
    for number, group, *priced_by in Series.objects.filter(pk__in=list(counts)).values_list("pk", "group", *PRICED_BY):
        quantities = counts[number]
        model, tier, context, geo, speed = priced_by
        made = charge(rates[model, tier, context, geo, speed], quantities)
        charged = _bounded((*quantities, made.low, made.high, made.low, made.high, made.unpriced_tokens, False))
        by_series[number] = charged
        _add(by_group, group, charged)
    groups = {group: _bounded(tuple(sums)) for group, sums in by_group.items()}
    store().replace(SERIES_DAY, organization_id, {day: by_series}, (prices.publication_id,))
    store().replace(GROUP_DAY, organization_id, {day: groups})


def _refresh_month(organization_id: int, month: date, days: type[Model], table: Table, owner: str) -> None:
    last = clock.next_month(month) - timedelta(days=1)
    sums = {f"sum_{name}": Sum(name) for name in (*COUNTS, "unpriced_tokens")} | {
        f"sum_{name}": ExactSum(name) for name in MONEY
    }
    rows = (
        days._default_manager.filter(day__gte=month, day__lte=last, **{f"{owner}__organization": organization_id})
        .values(f"{owner}_id")
        .annotate(**sums, any_held=Sum(Case(When(held=True, then=1), default=0)))
        .values_list(f"{owner}_id", *(f"sum_{name}" for name in _CHARGED), "any_held")
    )
    wanted = {row[0]: _bounded((*row[1:-1], bool(row[-1]))) for row in rows}
    store().replace(table, organization_id, {month: wanted})


def _add(sums: dict[int, list[Any]], group: int, charged: Charged) -> None:
    before = sums.get(group)
    if before is None:
        sums[group] = list(charged)
        return
    for index, value in enumerate(charged[:-1]):
        before[index] += value
    before[-1] = before[-1] or charged[-1]


def _bounded(charged: Charged) -> Charged:
    """Hold back money that does not fit into one cell: it reads 0, its tokens count as unpriced, the counts stay."""
    if money.fits(max(map(abs, charged[6:10])), connection.vendor):
        return charged
    return (*charged[:6], 0, 0, 0, 0, sum(charged[:5]), True)
