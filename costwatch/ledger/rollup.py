"""Derived rows: charges on the day per series, and the sums above it.

Everything here can be thrown away and made again from facts and prices. Rows that would not change are not written.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, Sum

from costwatch import clock, money
from costwatch.ledger.dimensions import Counts
from costwatch.ledger.models import (
    COUNTS,
    MONEY,
    Fact,
    GroupDay,
    GroupMonth,
    Series,
    SeriesDay,
    SeriesMonth,
    StaleMonth,
)
from costwatch.ledger.prices import Prices
from costwatch.ledger.store import store
from costwatch.ledger.store.base import GROUP_DAY, GROUP_MONTH, SERIES_DAY, SERIES_MONTH, Table
from pricing.calculate import charge

Charged = tuple[Any, ...]
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


def refresh_series_months(*, organization_id: int) -> None:
    """Make the stale months per series, a transaction each: once a run, for after each day it would be too dear."""
    for stale in StaleMonth.objects.filter(organization=organization_id).order_by("-month"):
        with transaction.atomic():
            _refresh_month(organization_id, stale.month, SeriesDay, SERIES_MONTH, "series")
            stale.delete()


def write_day(organization_id: int, day: date, counts: Mapping[int, Counts], prices: Prices) -> None:
    """Price one day's counts per series and write the two day rollups where they differ."""
    series = {one.pk: one for one in Series.objects.filter(pk__in=list(counts))}
    by_series: dict[tuple[Any, ...], Charged] = {}
    by_group: dict[tuple[Any, ...], list[Any]] = {}
    for number, quantities in counts.items():
        one = series[number]
        rates = prices.table.resolve(one.model, day, one.service_tier, one.context_window, one.inference_geo, one.speed)
        made = charge(rates, quantities)
        # Without terms of its own an organization pays list.
        charged = _bounded((*quantities, made.low, made.high, made.low, made.high, made.unpriced_tokens, False))
        by_series[day, number] = (*charged, prices.publication_id)
        _add(by_group, (day, one.group_id), charged)
    _replace(SERIES_DAY, SeriesDay, organization_id, {"day": day}, by_series)
    _replace(
        GROUP_DAY,
        GroupDay,
        organization_id,
        {"day": day},
        {key: _bounded(tuple(sums)) for key, sums in by_group.items()},
    )


def _refresh_month(organization_id: int, month: date, days: type[Model], table: Table, owner: str) -> None:
    last = clock.next_month(month) - timedelta(days=1)
    rows = days._default_manager.filter(
        day__gte=month, day__lte=last, **{f"{owner}__organization": organization_id}
    ).values_list(f"{owner}_id", *_CHARGED, "held")
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for number, *charged in rows:
        _add(sums, (month, number), tuple(charged))
    months = GroupMonth if owner == "group" else SeriesMonth
    wanted = {key: _bounded(tuple(values)) for key, values in sums.items()}
    _replace(table, months, organization_id, {"month": month}, wanted)


def _add(sums: dict[tuple[Any, ...], list[Any]], key: tuple[Any, ...], charged: Charged) -> None:
    before = sums.get(key)
    if before is None:
        sums[key] = list(charged)
        return
    for index, value in enumerate(charged[:-1]):
        before[index] += value
    before[-1] = before[-1] or charged[-1]


def _bounded(charged: Charged) -> Charged:
    """Hold back money that does not fit into one cell: it reads 0, its tokens count as unpriced, the counts stay."""
    amounts = charged[6:10]
    if all(money.fits(amount, connection.vendor) for amount in amounts):
        return charged
    return (*charged[:6], 0, 0, 0, 0, sum(charged[:5]), True)


def _replace(
    table: Table, model: type[Model], organization_id: int, period: dict[str, date], wanted: Mapping[Any, Charged]
) -> None:
    owner = table.key[1].removesuffix("_id")
    found = model._default_manager.filter(**period, **{f"{owner}__organization": organization_id})
    existing = {(row[0], row[1]): tuple(row[2:]) for row in found.values_list(*table.columns)}
    store().replace(table, existing, wanted)
