"""How every source stands, for people: how far it goes, and why it does not go further."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.epoch import Epoch, moment
from costwatch.ingest.models import Coverage, EqualRead, Source
from costwatch.ingest.reached import Bucket, reach, with_spans
from costwatch.ingest.sources import WINDOWED

# Within the newest days one bucket of nearly every source was read after it was over; else its newest are looked at.
RECENT, NEWEST = 3 * clock.DAY, 72
SPAN = (Epoch("start"), Epoch("end"))


@dataclass(frozen=True, slots=True)
class Standing:
    """How one source of an organization stands.

    `through` is how far its newest bucket goes, `whole_until` the end of the newest bucket read after it was over; None
    where there is none.
    """

    source: str
    available: bool
    reason: str
    through: datetime | None
    whole_until: datetime | None
    last_success: datetime | None
    last_error: str
    failures: int


def standings(organization: Organization, sources: Iterable[Source] | None = None) -> list[Standing]:
    """How every source of an organization stands; `sources` are its rows where they are known already.

    Every page asks: two questions for all of them, two more for each that has stood still for days.
    """
    rows = Source.objects.filter(organization=organization) if sources is None else sources
    recent = _recent(organization)
    made = []
    for row in sorted(rows, key=lambda row: row.name):
        through, whole_until = _reach(organization, row, recent)
        made.append(
            Standing(
                source=row.name,
                available=row.available,
                reason=row.reason,
                through=through,
                whole_until=whole_until,
                last_success=row.last_success_at,
                last_error=row.last_error,
                failures=row.failures,
            )
        )
    return made


def _reach(
    organization: Organization, source: Source, recent: dict[str, list[Bucket]]
) -> tuple[datetime | None, datetime | None]:
    """How far the newest bucket of a source goes, and the end of the newest one read after it was over."""
    if source.name not in WINDOWED:
        return None, None
    covered = WINDOWED[source.name].coverage[-1]
    buckets = recent[covered]
    if _whole_until(buckets) is None:
        buckets = _newest(organization, covered)
    if not buckets:
        return None, None
    _, end, read_at = buckets[0]
    return reach(end, read_at, source.polled_at), _whole_until(buckets)


def _whole_until(buckets: Iterable[Bucket]) -> datetime | None:
    return next((end for _, end, read_at in buckets if read_at >= end), None)


def _recent(organization: Organization) -> dict[str, list[Bucket]]:
    """The newest days of everything that is read in windows, the newest bucket first."""
    since = clock.floor_day(clock.now()) - RECENT
    names = [one.coverage[-1] for one in WINDOWED.values()]
    rows = Coverage.objects.filter(organization=organization, source__in=names, start__gte=since)
    spans = EqualRead.objects.filter(organization=organization, source__in=names, end__gt=since)
    return _read_again(
        names,
        rows.order_by("-start").values_list("source", *SPAN, Epoch("last_read_at")),
        spans.values_list("source", *SPAN, Epoch("read_at")),
    )


def _newest(organization: Organization, covered: str) -> list[Bucket]:
    """The newest buckets of one that has stood still."""
    rows = Coverage.objects.filter(organization=organization, source=covered).order_by("-start")
    found = list(rows.values_list("source", *SPAN, Epoch("last_read_at"))[:NEWEST])
    if not found:
        return []
    spans = EqualRead.objects.filter(organization=organization, source=covered, end__gt=moment(found[-1][1]))
    return _read_again([covered], found, spans.values_list("source", *SPAN, Epoch("read_at")))[covered]


def _read_again(
    names: Iterable[str], rows: Iterable[tuple[str, int, int, int]], spans: Iterable[tuple[str, int, int, int]]
) -> dict[str, list[Bucket]]:
    """Buckets by source with when they were last read, spans that found them as they were included."""
    found: dict[str, list[Bucket]] = {name: [] for name in names}
    again: dict[str, list[Bucket]] = {name: [] for name in found}
    for made, read in ((found, rows), (again, spans)):
        for source, *times in read:
            start, end, read_at = map(moment, times)
            made[source].append((start, end, read_at))
    last = {source: with_spans(buckets, again[source]) for source, buckets in found.items()}
    return {
        source: [(start, end, last[source][start]) for start, end, _ in buckets] for source, buckets in found.items()
    }
