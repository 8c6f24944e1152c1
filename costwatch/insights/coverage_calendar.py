"""The coverage of the whole history, day by day: counted by the database, so that its length costs little."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Count, F, Min, Window
from django.db.models.functions import Lag

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage, State
from costwatch.ingest.sources import COVERED, WINDOWED
from costwatch.insights.cache import kept
from costwatch.insights.freshness import WIDTHS, expected
from costwatch.insights.moments import UtcDay

MISSING, UNREAD = "missing", "unread"
# A day is called by the worst of its buckets.
WORST_FIRST = (MISSING, State.INCONSISTENT.value, UNREAD, State.OPEN.value, State.REVISED.value, State.SETTLED.value)


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day: its worst state, and how many buckets of each source are in which state."""

    day: date
    state: str
    sources: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of a source that should have been read and was not, with newer data behind it."""

    source: str
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How much time it spans."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the history, oldest first; `buckets` counts those of each source by state."""

    days: tuple[Day, ...]
    buckets: Mapping[str, Mapping[str, int]]
    gaps: tuple[Gap, ...]

    def count(self, state: str) -> int:
        """How many buckets of all sources are in a state."""
        return sum(of.get(state, 0) for of in self.buckets.values())

    def of(self, source: str) -> dict[str, int]:
        """How many buckets of a source, of all its reports together, are in which state."""
        names = WINDOWED[source].coverage if source in WINDOWED else (source,)
        return _sums(self.buckets.get(name, {}) for name in names)


def calendar(organization: Organization) -> Calendar:
    """The coverage of every source that this organization's key may read and that is read in buckets."""
    now = clock.now()
    sources = expected(organization)
    read: dict[str, dict[date, dict[str, int]]] = {source: {} for source in sources}
    rows = Coverage.objects.filter(organization=organization, source__in=sources)
    counted = rows.annotate(on=UtcDay("start", tzinfo=UTC)).values_list("source", "on", "state")
    for source, day, state, number in counted.annotate(number=Count("start")).order_by():
        read[source].setdefault(day, {})[state] = number
    found: dict[date, dict[str, dict[str, int]]] = {}
    for source in sources:
        begins = COVERED[source].since(organization, now)
        for day, states in _completed(source, read[source], begins, now):
            found.setdefault(day, {})[source] = states
    days = tuple(Day(day, _worst(found[day].values()), found[day]) for day in sorted(found))
    buckets = {source: _sums(day.sources.get(source, {}) for day in days) for source in sources}
    holed = [source for source in sources if buckets[source].get(MISSING)]
    return Calendar(days, buckets, tuple(gap for source in holed for gap in gaps(organization, source)))


def kept_calendar(organization: Organization) -> Calendar:
    """The same, made anew only when something was read since, and every minute."""
    return kept.get(("calendar", organization.pk), lambda: calendar(organization))


def gaps(organization: Organization, source: str) -> Iterator[Gap]:
    """The holes between the oldest and the newest bucket of a source, oldest first."""
    rows = Coverage.objects.filter(organization=organization, source=source)
    before = Window(Lag("end"), order_by=F("start").asc())
    holes = rows.annotate(before=before).filter(before__lt=F("start")).order_by("start")
    for start, end in holes.values_list("before", "start"):
        yield Gap(source, start, end)


def read_since(organization: Organization, moment: datetime) -> tuple[float, datetime | None]:
    """How many days of history were read for the first time since a moment, and when the first of them was."""
    days, first = 0.0, None
    for source in expected(organization):
        found = Coverage.objects.filter(organization=organization, source=source, first_read_at__gte=moment).aggregate(
            number=Count("start"), first=Min("first_read_at")
        )
        days += found["number"] * (WIDTHS[source] / clock.DAY)
        first = min(filter(None, (first, found["first"])), default=None)
    return days, first


def _completed(
    source: str, read: dict[date, dict[str, int]], begins: datetime, now: datetime
) -> Iterator[tuple[date, dict[str, int]]]:
    """The days of a source with what is missing in them; older than what was ever read is not missing, but to come."""
    oldest = min(read, default=None)
    # A bucket is expected once it has begun and the source has had the time it may take.
    expected_until = now - COVERED[source].late_after
    day = min(begins.date(), oldest or begins.date())
    while day <= now.date():
        states = dict(read.get(day, {}))
        start = clock.midnight(day)
        lacks = _expected(start, expected_until, WIDTHS[source]) - sum(states.values())
        if lacks > 0:
            states[MISSING if oldest and day > oldest else UNREAD] = lacks
        if states:
            yield day, states
        day += clock.DAY


def _expected(start: datetime, until: datetime, width: timedelta) -> int:
    """How many buckets of a day had begun at a moment."""
    span = min(start + clock.DAY, until) - start
    return max(0, -(-span // width))


def _worst(sources: Iterable[Mapping[str, int]]) -> str:
    present = {state for states in sources for state in states}
    return next(state for state in WORST_FIRST if state in present)


def _sums(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for states in many:
        for state, number in states.items():
            sums[state] = sums.get(state, 0) + number
    return sums
