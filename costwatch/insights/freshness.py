"""How far the data goes, and whether it is complete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import availability, reached
from costwatch.ingest.coverage import FINAL
from costwatch.ingest.models import Coverage, CoverageChange, Run, State
from costwatch.ingest.sources import BASIS, COVERED, NEEDED, WINDOWED, Windowed
from costwatch.insights.periods import Period

WIDTHS = {name: one.cadence.width for name, one in COVERED.items()}
WORST_FIRST = tuple(State.values)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket's standing; `through` is how far its data goes."""

    start: datetime
    end: datetime
    state: str
    through: datetime
    control_total_ok: bool | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a range is known.

    `through` is None where nothing was read. `complete`: every bucket of the range is settled.
    """

    through: datetime | None
    complete: bool


def buckets(
    organization_id: int, source: str, start: datetime, end: datetime, as_of: datetime | None = None
) -> list[Bucket]:
    """The buckets of a range that were read, oldest first; as of a time: those read and over by then."""
    rows = Coverage.objects.filter(
        organization=organization_id, source=source, start__gte=start, start__lt=end
    ).order_by("start")
    if as_of is None:
        read_at = _last_reads(organization_id, source, rows)
        return [
            Bucket(row.start, row.end, row.state, min(row.end, read_at[row.start]), row.control_total_ok)
            for row in rows
        ]
    rows = rows.filter(first_read_at__lte=as_of, end__lte=as_of)
    changes = CoverageChange.objects.filter(
        organization=organization_id, source=source, start__gte=start, start__lt=end, seen_at__lte=as_of
    ).order_by("seen_at", "pk")
    stood = {
        start: (state, total_ok) for start, state, total_ok in changes.values_list("start", "state", "control_total_ok")
    }
    return [
        # How far an hour was read that was over, but had not been read since, nobody wrote down: its start is certain.
        Bucket(
            row.start,
            row.end,
            state,
            row.end if row.whole_at and row.whole_at <= as_of else row.start,
            total_ok,
        )
        for row in rows
        for state, total_ok in (stood.get(row.start, (State.OPEN, None)),)
    ]


def freshness(
    organizations: Sequence[Organization],
    sources: Iterable[str],
    start: datetime,
    end: datetime,
    as_of: datetime | None = None,
) -> Freshness:
    """How far a range is known: the least over the organizations and over the sources that exist for them."""
    throughs: list[datetime | None] = []
    complete = bool(organizations) and end <= (as_of or clock.now())
    for organization in organizations:
        for source in readable(organization, sources, as_of):
            expected = (end - start) // WIDTHS[source]
            if as_of is None:
                through, settled = _counted(organization.pk, source, start, end)
            else:
                found = buckets(organization.pk, source, start, end, as_of)
                through = max((bucket.through for bucket in found), default=None)
                settled = sum(
                    bucket.state == State.SETTLED and bucket.control_total_ok is not False for bucket in found
                )
            throughs.append(through)
            complete = complete and settled == expected
    known = [moment for moment in throughs if moment is not None]
    if not throughs or len(known) < len(throughs):
        return Freshness(None, False)
    return Freshness(min(known), complete)


def _counted(organization_id: int, source: str, start: datetime, end: datetime) -> tuple[datetime | None, int]:
    """How far a range goes, and how many of its buckets are settled: counted by the database, for it may be long."""
    rows = Coverage.objects.filter(organization=organization_id, source=source, start__gte=start, start__lt=end)
    through = reached.through(rows)
    return through, rows.filter(state=State.SETTLED).exclude(control_total_ok=False).count() if through else 0


def _last_reads(organization_id: int, source: str, rows: Iterable[Coverage]) -> dict[datetime, datetime]:
    return reached.last_reads(organization_id, source, [(row.start, row.end, row.last_read_at) for row in rows])


def readable(organization: Organization, sources: Iterable[str], as_of: datetime | None = None) -> list[str]:
    """Those of some sources that the organization's key may read, or might at a time, and always the basis."""
    closed = availability.closed(organization, as_of) - {BASIS}
    return [source for source in sources if (COVERED.get(source) or WINDOWED[source]).name not in closed]


def expected(organization: Organization, as_of: datetime | None = None) -> list[str]:
    """The kinds of coverage an organization should have: usage and cost, and what else was tried, if it may be read."""
    until = as_of or clock.now()
    read = Coverage.objects.filter(organization=organization, first_read_at__lte=until)
    runs = Run.objects.filter(organization=organization, finished_at__lte=until)
    return [
        name
        for name in readable(organization, COVERED, as_of)
        if name in NEEDED or read.filter(source=name).exists() or runs.filter(source=COVERED[name].name).exists()
    ]


@dataclass(frozen=True, slots=True)
class Span:
    """A maximal span of buckets in one state."""

    source: str
    organization: Organization
    start: datetime
    end: datetime
    state: str
    control_total_ok: bool | None


def spans(
    organizations: Sequence[Organization], start: datetime, end: datetime, as_of: datetime | None = None
) -> list[Span]:
    """The coverage of a range as maximal spans, missing ones included; nothing after now is missing.

    As of a time, nothing that was under way then: how far it was read nobody wrote down.
    """
    end = min(end, _ceiling(as_of or clock.now()))
    made: list[Span] = []
    for organization in organizations:
        wanted = expected(organization, as_of)
        for which in WINDOWED.values():
            known = _worst(organization, which, start, end, as_of)
            # What lies before the history that is read is not missing.
            since = max(start, min([which.since(organization, as_of or clock.now()), *known]))
            if known or set(which.coverage) & set(wanted):
                width = which.cadence.width
                over = since + (as_of - since) // width * width if as_of else end
                made.extend(_spans(which.name, organization, known, since, min(end, over), width))
    return made


def _worst(
    organization: Organization, which: Windowed, start: datetime, end: datetime, as_of: datetime | None
) -> dict[datetime, Bucket]:
    """The buckets of a source; where it has several reports, the one that stands worst."""
    found: dict[datetime, Bucket] = {}
    for name in which.coverage:
        for one in buckets(organization.pk, name, start, end, as_of):
            before = found.get(one.start)
            if before is None or WORST_FIRST.index(one.state) < WORST_FIRST.index(before.state):
                found[one.start] = one
    return found


def _spans(
    source: str,
    organization: Organization,
    known: dict[datetime, Bucket],
    start: datetime,
    end: datetime,
    width: timedelta,
) -> list[Span]:
    made: list[Span] = []
    while start < end:
        bucket = known.get(start)
        state, checked = (bucket.state, bucket.control_total_ok) if bucket else ("missing", None)
        last = made[-1] if made else None
        if last and (last.state, last.control_total_ok) == (state, checked):
            made[-1] = Span(source, organization, last.start, start + width, state, checked)
        else:
            made.append(Span(source, organization, start, start + width, state, checked))
        start += width
    return made


def _ceiling(moment: datetime) -> datetime:
    floor = clock.floor_hour(moment)
    return floor if floor == moment else floor + clock.HOUR


def is_read(organization: Organization, source: str, period: Period) -> bool:
    """Whether every bucket of a period was read: what was not is not zero."""
    start, end = clock.midnight(period.since), clock.midnight(period.until)
    found = Coverage.objects.filter(organization=organization, source=source, start__gte=start, start__lt=end).count()
    return found >= (end - start) // WIDTHS[source]


def reported_until(organization: Organization, period: Period) -> date:
    """The first day of a period that the cost report does not cover whole."""
    rows = list(_of(organization, "cost", period))
    read_at = _last_reads(organization.pk, "cost", rows)
    whole = {row.start.date() for row in rows if read_at[row.start] >= row.end}
    return max(whole) + clock.DAY if whole else period.since


def unread_days(organization: Organization, source: str, period: Period) -> frozenset[date]:
    """The days of a period up to today of which nothing was read: what they hold is not known."""
    passed = Period(period.since, min(period.until, clock.today() + clock.DAY))
    read = {moment.date() for moment in _of(organization, source, passed).datetimes("start", "day", tzinfo=UTC)}
    return frozenset(day for day in passed.days if day not in read)


def usage_through(organization: Organization, period: Period) -> datetime | None:
    """How far the usage of a period goes; None where none was read."""
    span = (clock.midnight(period.since), clock.midnight(period.until))
    return freshness([organization], ["usage"], *span).through if period.days else None


def _of(organization: Organization, source: str, period: Period) -> QuerySet[Coverage]:
    span = {"start__gte": clock.midnight(period.since), "start__lt": clock.midnight(period.until)}
    return Coverage.objects.filter(organization=organization, source=source, **span)


def settled_days(organization: Organization, source: str, period: Period) -> tuple[int, int]:
    """How many buckets of a period are settled, and how many were read and are still open."""
    found = _of(organization, source, period).aggregate(
        read=Count("start"), settled=Count("start", filter=Q(state__in=FINAL))
    )
    return found["settled"], found["read"] - found["settled"]


def through_of(organization: Organization, source: str) -> datetime | None:
    """How far a kind of coverage goes; None where nothing of it was read."""
    return reached.through(Coverage.objects.filter(organization=organization, source=source))
