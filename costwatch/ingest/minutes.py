"""Minutes of usage, for limits: two chains, recorded by the hour; each minute has a digest of its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from costwatch import clock
from costwatch.ingest import coverage, observe, split
from costwatch.ingest.coverage import Owner, Read
from costwatch.ingest.failpoints import reach
from costwatch.ingest.models import Coverage, Quarantined, Source
from costwatch.ingest.plan import Planned
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.minutes import record_minutes
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused
from costwatch.upstream.pages import Bucket, Window
from costwatch.upstream.usage import FAST_MINUTES, MINUTES, Chain, Parsed, Rejected

SOURCE = "minutes"
DIGEST = 16
UNREAD = b"\x00" * DIGEST
AN_HOUR = clock.HOUR // clock.MINUTE
ByStart = dict[datetime, Bucket]


def is_read(organization_id: int, minute: datetime) -> bool:
    """Whether a minute was ever read and recorded: what was not is not zero."""
    hours = Coverage.objects.filter(organization=organization_id, source=SOURCE, start=clock.floor_hour(minute))
    digests = bytes(hours.values_list("digest", flat=True).first() or b"")
    return digests[minute.minute * DIGEST :][:DIGEST] not in (b"", UNREAD)


@dataclass(slots=True)
class Told:
    """What the two chains said about some minutes; `fast` is None where an organization has one speed."""

    base: ByStart
    fast: ByStart | None
    asked: int
    largest_page: int

    def digest(self, minute: datetime) -> bytes:
        """One digest of what was said about a minute."""
        parts = [("base", self.base[minute].digest)]
        if self.fast and minute in self.fast:
            parts.append(("fast", self.fast[minute].digest))
        return coverage.combined(parts)


@dataclass(slots=True)
class Reader:
    """Reads minutes for one organization; used from several threads, touches no database."""

    client: AdminClient
    reads_speed: bool
    speed_refused: str = ""

    def read(self, planned: Planned, limit: int = 0) -> Told:
        """Both chains of a window. Raises: UpstreamError."""
        reach("fetch.before")
        base, largest = self._read(planned.window, MINUTES, limit)
        told = Told(base, None, 1, largest)
        if self.reads_speed:
            told.asked = 2
            try:
                told.fast, _ = self._read(planned.window, FAST_MINUTES, limit)
            except Refused as error:
                self.speed_refused, self.reads_speed = str(error), False
        reach("fetch.after")
        return told

    def _read(self, window: Window, chain: Chain, limit: int) -> tuple[ByStart, int]:
        report = usage.read(self.client, window, chain, width="1m", limit=limit)
        return {bucket.start: bucket for bucket in report.buckets}, report.largest_page


@dataclass(slots=True)
class Recorder:
    """Records minutes for one run, an hour in a transaction: the one thread that writes."""

    organization_id: int
    interned: Interned
    run: int
    names: split.Names
    fence: Callable[[], None]
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, told: Told, now: datetime) -> None:
        """Record what was read: hours that are as they were together, the others one by one, newest first."""
        hours: dict[datetime, list[datetime]] = {}
        for minute in told.base:
            hours.setdefault(clock.floor_hour(minute), []).append(minute)
        before = coverage.known(self.organization_id, SOURCE, set(hours))
        self.rows_read += sum(len(bucket.rows) for bucket in told.base.values())
        made = [_Hour(start, hours[start], told, before.get(start)) for start in sorted(hours, reverse=True)]
        self._write([hour for hour in made if not hour.changed], before, now)
        for hour in made:
            if hour.changed:
                reach("parse.before")
                hour.parse(self.names)
                reach("parse.after")
                self.interned.usage(dims for facts in hour.facts.values() for dims in facts)
                self._write([hour], before, now)
                # A day of minutes is large: each hour is let go of when it is written.
                hour.facts.clear()
        if max(told.base, default=now) + clock.MINUTE >= now.replace(second=0, microsecond=0):
            Source.objects.filter(organization=self.organization_id, name=SOURCE).update(polled_at=now)

    def _write(self, hours: list["_Hour"], before: Mapping[datetime, Coverage], now: datetime) -> None:
        if not hours:
            return
        owner = Owner(self.organization_id, SOURCE)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            facts = {minute: rows for hour in hours for minute, rows in hour.facts.items()}
            minutes = record_minutes(interned=self.interned, minutes=facts) if facts else set()
            reach("record.after")
            reach("coverage.before")
            novelties = Counter[tuple[str, str]]()
            for hour in hours:
                novelties.update(hour.novelties)
                observe.set_aside(owner=owner, rejected=hour.rejected, run=self.run, now=now)
            observe.note(owner=owner, novelties=novelties, now=now)
            changed = {clock.floor_hour(minute) for minute in minutes}
            reads = [hour.read(owner, now) for hour in hours]
            coverage.keep(owner=owner, reads=reads, before=before, changed=changed, run=self.run, now=now)
            reach("coverage.after")
            reach("commit.before")
        reach("commit.after")
        self.rows_changed += len(minutes)


@dataclass(slots=True)
class _Hour:
    """The minutes of one hour on their way from chains to facts."""

    start: datetime
    minutes: list[datetime]
    told: Told
    old: Coverage | None
    digests: list[bytes] = field(init=False)
    changed: list[datetime] = field(init=False)
    facts: dict[datetime, dict[UsageDims, Counts]] = field(default_factory=dict)
    rejected: dict[datetime, list[Rejected]] = field(default_factory=dict)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        kept = bytes(self.old.digest) if self.old else UNREAD * AN_HOUR
        self.digests = [kept[place * DIGEST : (place + 1) * DIGEST] for place in range(AN_HOUR)]
        self.changed = [one for one in self.minutes if self.digests[one.minute] != self.told.digest(one)]

    def parse(self, names: split.Names) -> None:
        """Turn the minutes that changed into facts. One whose chains do not add up stays as it was, and unread."""
        for minute in self.changed:
            base = usage.parse(self.told.base[minute])
            fast = None
            if self.told.fast is not None:
                fast = usage.parse(self.told.fast[minute]) if minute in self.told.fast else Parsed()
            try:
                facts = split.facts(base.rows, fast=None if fast is None else fast.rows, names=names)
            except split.Negative:
                self.digests[minute.minute] = UNREAD
                continue
            self.facts[minute] = facts
            self.digests[minute.minute] = self.told.digest(minute)
            self.rejected[minute] = [*base.rejected, *(fast.rejected if fast else ())]
            self.novelties.update(base.novelties)

    def read(self, owner: Owner, now: datetime) -> Read:
        """The hour as it stands after this read; one of which only some minutes were read settles nothing."""
        end = self.start + clock.HOUR
        is_whole = len(self.minutes) == AN_HOUR and now >= end and UNREAD not in self.digests
        return Read(
            self.start,
            end,
            b"".join(self.digests),
            rejected=self._aside(owner) if self.changed else self.old.rejected if self.old else 0,
            split=b"" if is_whole else None,
            is_part=len(self.minutes) < AN_HOUR,
        )

    def _aside(self, owner: Owner) -> int:
        """How many rows of the hour could not be recorded, those of earlier reads included."""
        minutes = {"bucket_start__gte": self.start, "bucket_start__lt": self.start + clock.HOUR}
        return Quarantined.objects.filter(organization=owner.organization_id, source=owner.source, **minutes).count()
