"""How what is due of a source is found: by the age of its buckets, or minute by minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from costwatch.ingest import coverage, minutes
from costwatch.ingest.coverage import Owner
from costwatch.ingest.minute_plan import HOURS_A_DAY, due_minutes
from costwatch.ingest.pace import AN_HOUR
from costwatch.ingest.plan import Cadence, Planned, Why, due, polled, windows
from costwatch.ingest.runs import source_of

Room = Callable[[Why], int]


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of one organization that may be read, from `since` on, by the names of their coverage."""

    organization_id: int
    sources: tuple[str, ...]
    since: datetime
    cadence: Cadence
    compares: bool


def by_age(asked: Buckets, now: datetime, room: Room | None) -> list[Planned]:
    """Windows over the buckets that are due by their age."""
    cadence = asked.cadence.paced(_share())
    found: dict[datetime, Why] = {}
    newest: dict[datetime, Why] = {}
    for source in asked.sources:
        since = _since(asked, source, now)
        known = coverage.standings(asked.organization_id, source, since, now, compares=asked.compares)
        found |= due(known, since=since, now=now, cadence=cadence)
        newest |= polled(known, since=since, now=now, cadence=cadence)
    others = {start: why for start, why in found.items() if why != Why.RECENT}
    return [*windows(newest, cadence, room), *windows(others, cadence, room)]


def _since(asked: Buckets, source: str, now: datetime) -> datetime:
    """From where on buckets are looked at one by one: what is too old to be read again is counted, not read."""
    width = asked.cadence.width
    count = max(0, (now - asked.cadence.rereads[-1][0] - asked.since) // width)
    begins = asked.since + count * width
    owner = Owner(asked.organization_id, source)
    if count and coverage.is_final(owner, asked.since, begins, count, compares=asked.compares):
        return begins
    return asked.since


def by_minute(asked: Buckets, now: datetime, room: Room | None) -> list[Planned]:
    """Windows over the minutes that are due."""
    known = coverage.standings(asked.organization_id, minutes.SOURCE, asked.since, now)
    polled_at = source_of(asked.organization_id, minutes.SOURCE).polled_at
    most = room(Why.MISSING) if room else HOURS_A_DAY
    return due_minutes(known, since=asked.since, now=now, polled_at=polled_at, share=_share(), most=most)


def _share() -> float:
    """How often the newest is read, beside what the vendor's pace allows."""
    return settings.REQUESTS_PER_HOUR / AN_HOUR
