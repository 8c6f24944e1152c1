"""Which rows say what was known at a past time: those read by then, without what was seen later.

A day that was read whole by then and has not changed since is answered by its rollup; only the others need their hours.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage
from costwatch.insights.grains import Piece
from costwatch.insights.moments import Midnight, UtcDay
from costwatch.insights.query import Query
from costwatch.ledger.models import Fact, ReportedLine, ReportedMonth, ReportedRevision, Revision, SeriesDay

DAY = timedelta(days=1)
M = TypeVar("M", date, datetime)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are added up, or taken off with the sign -1; `moment` is the column that says when."""

    rows: QuerySet[Any]
    moment: str
    sign: int = 1


def usage(query: Query, organization: Organization) -> Iterator[Part]:
    """The rows of an organization's usage as they were at the question's time."""
    days = _read_by_then(query, organization)
    changed = _changed_later(query, organization)
    whole = {day for day, is_whole in days.items() if is_whole and query.interval != "hour"} - changed
    mine = {"series__organization": organization}
    for since, until in _joined(whole, DAY):
        yield Part(SeriesDay.objects.filter(day__gte=since, day__lt=until, **mine), "day")
    for start, end in _hours(query, organization, days.keys() - whole):
        hours = {"bucket_start__gte": start, "bucket_start__lt": end} | mine
        yield Part(Fact.objects.filter(**hours), "bucket_start")
        later = Revision.objects.filter(organization=organization, seen_at__gt=query.as_of, **hours)
        yield Part(later, "bucket_start", sign=-1)


def reported(query: Query, piece: Piece) -> Iterator[tuple[QuerySet[Any], int]]:
    """The lines of the cost report as they were at the question's time, with their sign."""
    read_by_then = Coverage.objects.filter(
        source="cost",
        organization=OuterRef("series__organization"),
        start=Midnight(OuterRef("day")),
        end__lte=query.as_of,
        first_read_at__lte=query.as_of,
    )
    later = piece.of(ReportedRevision, ReportedMonth)
    yield later.filter(Exists(read_by_then), seen_at__gt=query.as_of), -1
    yield piece.of(ReportedLine, ReportedMonth).filter(Exists(read_by_then)), 1


def _read_by_then(query: Query, organization: Organization) -> dict[date, bool]:
    """The days of which something was read by then, and whether all that is read of them now was."""
    rows = Coverage.objects.filter(
        source="usage", organization=organization, start__gte=query.start, start__lt=query.end
    )
    by_then = Q(end__lte=query.as_of, first_read_at__lte=query.as_of)
    counted = rows.annotate(on=UtcDay("start", tzinfo=UTC)).values_list("on")
    found = counted.annotate(every=Count("start"), then=Count("start", filter=by_then)).order_by()
    return {day: then == every for day, every, then in found if then}


def _hours(query: Query, organization: Organization, days: Iterable[date]) -> Iterator[tuple[datetime, datetime]]:
    """The hours of some days that had been read by then, as contiguous spans [start, end)."""
    wanted = set(days)
    by_then = {"end__lte": query.as_of, "first_read_at__lte": query.as_of}
    rows = Coverage.objects.filter(
        source="usage", organization=organization, start__gte=query.start, start__lt=query.end, **by_then
    )
    starts = rows.values_list("start", flat=True).iterator(chunk_size=5000)
    yield from _joined((start for start in starts if start.date() in wanted), clock.HOUR)


def _changed_later(query: Query, organization: Organization) -> set[date]:
    rows = Revision.objects.filter(
        organization=organization, seen_at__gt=query.as_of, bucket_start__gte=query.start, bucket_start__lt=query.end
    )
    return set(rows.annotate(on=UtcDay("bucket_start", tzinfo=UTC)).values_list("on", flat=True).distinct())


def _joined(starts: Iterable[M], width: timedelta) -> Iterator[tuple[M, M]]:
    """What begins at some moments and is as wide, as contiguous spans [since, until), oldest first."""
    since = until = None
    for start in sorted(starts):
        if start != until:
            if since is not None and until is not None:
                yield since, until
            since = start
        until = start + width
    if since is not None and until is not None:
        yield since, until
