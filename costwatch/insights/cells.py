"""Cells: the smallest priced or reported amounts a question needs, read from the coarsest rows that hold them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Aggregate, QuerySet, Sum

from costwatch.directory.models import DEFAULT_WORKSPACE, Organization, Workspace
from costwatch.insights import as_of
from costwatch.insights.grains import Piece, pieces
from costwatch.insights.query import METER_DIMENSIONS, Query
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.models import (
    COUNTS,
    MONEY,
    Fact,
    GroupDay,
    GroupMonth,
    ReportedLine,
    ReportedMonth,
    SeriesDay,
    SeriesMonth,
    StaleMonth,
)
from costwatch.money import ExactSum
from pricing.calculate import charge_by_meter
from pricing.meters import METERS, TOKEN_METERS
from pricing.table import PriceTable

PRICED_BY = ("model", "service_tier", "context_window", "inference_geo", "speed")
GROUP_DIMENSIONS = {"organization_id", "workspace_id", "model", "service_tier"}
Moment = date | datetime
Six = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Usage of one combination of dimensions at one moment, and what it costs.

    Shape: `dims` in the order asked; six counts; low and high in pico-dollars at list and contracted.
    """

    moment: Moment
    dims: tuple[str, ...]
    counts: Six
    list_low: int
    list_high: int
    contracted_low: int
    contracted_high: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class ReportedCell:
    """What the cost report says of one combination of dimensions on one day, in pico-dollars of USD."""

    day: date
    dims: tuple[str, ...]
    amount: int


def organizations(query: Query) -> list[Organization]:
    """The organizations a question is about."""
    found = Organization.objects.order_by("pk")
    if query.as_of is not None:
        found = found.filter(created_at__lte=query.as_of)
    wanted = query.filters.get("organization_id")
    return list(found.filter(external_id__in=wanted) if wanted else found)


def prices_of(query: Query) -> PriceTable:
    """The price table of a question: the one in force, or the one that was at its time."""
    return ledger_prices.in_force(query.as_of)


def usage_cells(query: Query, table: PriceTable, *, grouped: bool = True) -> Iterator[Cell]:
    """The usage a question asks for, priced. Rows with stored charges where they serve, priced here where not."""
    dims = query.group_by if grouped else ()
    if not query.by_meter and query.as_of is None and query.interval != "hour":
        return _stored(query, dims)
    return _priced_here(query, dims, table)


def _stored(query: Query, dims: tuple[str, ...]) -> Iterator[Cell]:
    coarse = query.dimensions <= GROUP_DIMENSIONS
    owner = "group" if coarse else "series"
    sums: dict[str, Aggregate] = {name: Sum(name) for name in COUNTS}
    sums |= {name: ExactSum(name) for name in MONEY} | {"unpriced_tokens": Sum("unpriced_tokens")}
    columns = [column(name, owner) for name in dims]
    tables = (GroupDay, GroupMonth) if coarse else (SeriesDay, SeriesMonth)
    stale = frozenset() if coarse else frozenset(StaleMonth.objects.values_list("month", flat=True))
    for piece in pieces(query, stale):
        for moment, values, amounts in _sums(filtered(piece.of(*tables), query, owner), piece, columns, sums):
            yield Cell(moment, values, amounts[:6], *amounts[6:])


def _sums(
    rows: QuerySet[Any], piece: Piece, columns: list[str], sums: Mapping[str, Aggregate]
) -> Iterator[tuple[Moment, tuple[str, ...], tuple[int, ...]]]:
    """The sums of a piece by its moment, where it has one, and by columns."""
    named = {f"sum_{name}": one for name, one in sums.items()}
    by = [piece.by] if piece.by else []
    if not by and not columns:
        made = rows.aggregate(**named)
        if made[next(iter(named))] is not None:
            yield piece.since, (), tuple(made.values())
        return
    width = len(by) + len(columns)
    for row in rows.values(*by, *columns).annotate(**named).values_list(*by, *columns, *named):
        yield row[0] if by else piece.since, row[len(by) : width], row[width:]


def _priced_here(query: Query, dims: tuple[str, ...], table: PriceTable) -> Iterator[Cell]:
    plain = tuple(name for name in dims if name not in METER_DIMENSIONS)
    for moment, values, counts in usage_counts(query, plain):
        own, priced_by = values[: len(plain)], values[len(plain) :]
        day = moment.date() if isinstance(moment, datetime) else moment
        model, *qualifiers = priced_by
        for made in charge_by_meter(table.resolve(model, day, *qualifiers), counts):
            if not is_wanted(made.meter, query):
                continue
            given = dict(zip(plain, own, strict=True)) | _kind(made.meter)
            only = tuple(made.quantity if meter == made.meter else 0 for meter in METERS)
            low, high = made.low or 0, made.high or 0
            unpriced = made.quantity if made.reason and made.meter in TOKEN_METERS else 0
            yield Cell(moment, tuple(given[name] for name in dims), only, low, high, low, high, unpriced)


def is_wanted(meter: str, query: Query) -> bool:
    """Whether a question's filters let a meter through."""
    kind = _kind(meter)
    return all(kind[name] in query.filters[name] for name in METER_DIMENSIONS if name in query.filters)


def _kind(meter: str) -> dict[str, str]:
    """A meter as the cost report's two dimensions name it."""
    if meter in TOKEN_METERS:
        return {"cost_type": "tokens", "token_type": meter}
    return {"cost_type": "web_search", "token_type": ""}


def usage_counts(query: Query, dims: tuple[str, ...] = ()) -> Iterator[tuple[Moment, tuple[str, ...], Six]]:
    """Counts per moment, the dimensions asked and those a price depends on."""
    columns = [column(name, "series") for name in (*dims, *PRICED_BY)]
    if query.as_of is not None:
        yield from _counts_as_of(query, columns)
        return
    if query.interval == "hour":
        rows: QuerySet[Any] = Fact.objects.filter(bucket_start__gte=query.start, bucket_start__lt=query.end)
        moment = "bucket_start"
    else:
        rows, moment = SeriesDay.objects.filter(day__gte=query.since, day__lt=query.until), "day"
    yield from _summed(filtered(rows, query, "series"), moment, columns)


def _counts_as_of(query: Query, columns: list[str]) -> Iterator[tuple[Moment, tuple[str, ...], Six]]:
    """What the counts were at a time."""
    sums: dict[tuple[Moment, tuple[str, ...]], Six] = {}
    for organization in organizations(query):
        for part in as_of.usage(query, organization):
            rows = filtered(part.rows, query, "series")
            for moment, values, counts in _summed(rows, part.moment, columns, sign=part.sign):
                if query.interval != "hour" and isinstance(moment, datetime):
                    moment = moment.date()
                key = (moment, values)
                before = sums.get(key, (0,) * 6)
                sums[key] = tuple(a + b for a, b in zip(before, counts, strict=True))
    for (moment, values), counts in sums.items():
        if any(counts):
            yield moment, values, counts


def _summed(
    rows: QuerySet[Any], moment: str, columns: list[str], sign: int = 1
) -> Iterator[tuple[Moment, tuple[str, ...], Six]]:
    sums = {f"sum_{count}": Sum(count) for count in COUNTS}
    found = rows.values(moment, *columns).annotate(**sums).values_list(moment, *columns, *sums)
    width = 1 + len(columns)
    for row in found:
        yield row[0], tuple(row[1:width]), tuple(sign * count for count in row[width:])


def reported_cells(query: Query, *, grouped: bool = True) -> Iterator[ReportedCell]:
    """What the cost report says about a question, in US dollars; the caller knows whether it can say anything."""
    dims = query.group_by if grouped else ()
    columns = [column(name, "series") for name in dims]
    if query.as_of is None:
        for piece in pieces(query):
            rows = piece.of(ReportedLine, ReportedMonth).filter(series__currency="USD")
            yield from _reported(rows, query, columns, piece)
        return
    every_day = Piece("day", query.since, query.until, by="day")
    for rows, sign in as_of.reported(query, every_day):
        yield from _reported(rows.filter(series__currency="USD"), query, columns, every_day, sign=sign)


def _reported(
    rows: QuerySet[Any], query: Query, columns: list[str], piece: Piece, sign: int = 1
) -> Iterator[ReportedCell]:
    rows = filtered(rows, query, "series", reported=True)
    for moment, values, (amount,) in _sums(rows, piece, columns, {"amount": ExactSum("amount")}):
        yield ReportedCell(moment, values, sign * amount)


def other_currencies(query: Query) -> dict[str, int]:
    """Reported amounts in another currency than USD, in 10^-12 of that currency: never part of a sum."""
    lines = ReportedLine.objects.filter(day__gte=query.since, day__lt=query.until).exclude(series__currency="USD")
    lines = filtered(lines, query, "series", reported=True)
    found = lines.values("series__currency").annotate(amount_sum=ExactSum("amount"))
    return dict(found.values_list("series__currency", "amount_sum"))


def column(name: str, owner: str) -> str:
    """The column of a dimension, seen from rows of an owner: a series or a group."""
    return f"{owner}__organization__external_id" if name == "organization_id" else f"{owner}__{name}"


def filtered(rows: QuerySet[Any], query: Query, owner: str, *, reported: bool = False) -> QuerySet[Any]:
    """The rows a question's filters let through; token kinds are no column of usage."""
    for name, values in query.filters.items():
        if name in METER_DIMENSIONS and not reported:
            continue
        if name == "workspace_id":
            values = tuple(_workspace_keys(values))
        rows = rows.filter(**{f"{column(name, owner)}__in": values})
    return rows


def _workspace_keys(values: Iterable[str]) -> Iterator[str]:
    """The default workspace's real id is accepted for `default`."""
    real = set(Workspace.objects.filter(key=DEFAULT_WORKSPACE).values_list("external_id", flat=True))
    for value in values:
        yield DEFAULT_WORKSPACE if value in real else value
