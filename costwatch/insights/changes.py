"""What changed since: days that differ from what was known of them, by how much, and why it was noticed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.moments import UtcDay
from costwatch.ledger.models import COUNTS, ReportedRevision, Revision
from costwatch.ledger.record import COMPLETED
from costwatch.ledger.rollup import PRICED_BY
from costwatch.money import ExactSum
from pricing.calculate import charge
from pricing.table import PriceTable

USAGE, COST = "usage", "cost"


@dataclass(slots=True)
class Change:
    """What one day of a source changed by, after it had ended and been read.

    Units: pico-dollars, signed; `list_low` and `list_high` are what the bounds at list changed by, `reported` what the
    cost report did. Shape: `why` is the reason of the read that found it; `rows` the rows that differed.
    """

    source: str
    day: date
    why: str
    first_seen: datetime
    last_seen: datetime
    rows: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    list_low: int = 0
    list_high: int = 0
    reported: int = 0


def changes(
    organizations: Sequence[Organization],
    since: date,
    until: date,
    table: PriceTable,
    seen_after: datetime | None = None,
) -> list[Change]:
    """The changes of the days in [since, until) that were seen after a moment, newest day first."""
    found = [
        *_of_usage(organizations, since, until, table, seen_after),
        *_of_cost(organizations, since, until, seen_after),
    ]
    return sorted(found, key=lambda one: (-one.day.toordinal(), one.source, one.why))


def _of_usage(
    organizations: Sequence[Organization], since: date, until: date, table: PriceTable, seen_after: datetime | None
) -> Iterator[Change]:
    rows = Revision.objects.filter(
        organization__in=organizations, bucket_start__gte=clock.midnight(since), bucket_start__lt=clock.midnight(until)
    )
    rows = _told(rows, seen_after)
    qualifiers = tuple(f"series__{name}" for name in PRICED_BY)
    grouped = (
        rows.annotate(on=UtcDay("bucket_start", tzinfo=UTC))
        .values_list("on", "why", *qualifiers)
        .annotate(Count("pk"), Min("seen_at"), Max("seen_at"), *(Sum(name) for name in COUNTS))
        .order_by()
    )
    made: dict[tuple[date, str], Change] = {}
    for day, why, *values in grouped:
        dims, (number, first, last), counts = values[:5], values[5:8], [int(one) for one in values[8:]]
        one = made.setdefault((day, why), Change(USAGE, day, why, first, last))
        one.rows += number
        one.first_seen, one.last_seen = min(one.first_seen, first), max(one.last_seen, last)
        one.counts = [before + count for before, count in zip(one.counts, counts, strict=True)]
        price = charge(table.resolve(dims[0], day, *dims[1:]), counts)
        one.list_low += price.low
        one.list_high += price.high
    yield from made.values()


def _of_cost(
    organizations: Sequence[Organization], since: date, until: date, seen_after: datetime | None
) -> Iterator[Change]:
    rows = ReportedRevision.objects.filter(
        organization__in=organizations, day__gte=since, day__lt=until, series__currency="USD"
    )
    rows = _told(rows, seen_after)
    grouped = (
        rows.values_list("day", "why")
        .annotate(Count("pk"), Min("seen_at"), Max("seen_at"), amounts=ExactSum("amount"))
        .order_by()
    )
    for day, why, number, first, last, amount in grouped:
        yield Change(COST, day, why, first, last, rows=number, reported=int(amount))


def _told(rows: QuerySet[Any], seen_after: datetime | None) -> QuerySet[Any]:
    """The changes seen after a moment; that an hour or day went on after it was read is no news."""
    rows = rows.exclude(why=COMPLETED)
    return rows.filter(seen_at__gt=seen_after) if seen_after else rows
