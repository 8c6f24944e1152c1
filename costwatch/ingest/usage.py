"""One window of hourly usage: read its chains, split them into facts, record a day at a time."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from costwatch import clock
from costwatch.ingest import coverage, observe, split
from costwatch.ingest.coverage import Owner, Read
from costwatch.ingest.failpoints import reach
from costwatch.ingest.models import Coverage
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.prices import Prices
from costwatch.ledger.record import UsageBucket, record_usage
from costwatch.ledger.rollup import refresh_days
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused
from costwatch.upstream.pages import Bucket, Report, Window
from costwatch.upstream.usage import BASE, FAST, FAST_LONG, LONG, Parsed, Rejected

SOURCE = "usage"
ByStart = dict[datetime, Bucket]


@dataclass(slots=True)
class Chains:
    """What every chain said about a window; a chain that was not read is None."""

    base: ByStart
    fast: ByStart | None
    long: ByStart | None
    fast_long: ByStart | None
    largest_page: int = 0
    speed_refused: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads usage windows for one organization; used from several threads, touches no database."""

    client: AdminClient
    prices: Prices
    reads_speed: bool

    def read(self, window: Window, limit: int = 0) -> Chains:
        """Every chain of a window.

        Raises: UpstreamError. An organization that may not filter by speed has one: that refusal is kept, not raised.
        """
        reach("fetch.before")
        base = self.read_base(window, limit)
        chains = Chains(_by_start(base.buckets), None, None, None, base.largest_page)
        if self.reads_speed:
            try:
                chains.fast = _by_start(usage.read(self.client, window, FAST, limit=limit).buckets)
            except Refused as error:
                chains.speed_refused = str(error)
        if any(self.prices.table.depends_on_context(day) for day in _days(window)):
            chains.long = _by_start(usage.read(self.client, window, LONG, limit=limit).buckets)
            if chains.fast and any(bucket.rows for bucket in chains.fast.values()):
                chains.fast_long = _by_start(usage.read(self.client, window, FAST_LONG, limit=limit).buckets)
        reach("fetch.after")
        return chains

    def read_base(self, window: Window, limit: int = 0) -> Report:
        """The chain that everything is split from. Raises: UpstreamError."""
        return usage.read(self.client, window, BASE, limit=limit)


@dataclass(slots=True)
class Recorder:
    """Records windows for one run: the one thread that writes."""

    organization_id: int
    interned: Interned
    prices: Prices
    run: int
    names: split.Names
    fence: Callable[[], None]
    reread: Callable[[Window], Chains]
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, chains: Chains, now: datetime) -> None:
        """Record a window a UTC day at a time, newest first: rows, rollups and coverage of a day in one transaction."""
        days: dict[date, list[datetime]] = {}
        for start in chains.base:
            days.setdefault(start.date(), []).append(start)
        for day in sorted(days, reverse=True):
            self._record_day(day, days[day], chains, now)

    def _record_day(self, day: date, starts: list[datetime], chains: Chains, now: datetime) -> None:
        before = coverage.known(self.organization_id, SOURCE, set(starts))
        made = _Day(self, day, before, now)
        reach("parse.before")
        for start in starts:
            made.take(start, chains)
        reach("parse.after")
        # Outside of the transaction: interned dimensions stay, whatever happens to the facts.
        self.interned.usage(dims for bucket in made.buckets for dims in bucket.facts)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            recorded = record_usage(interned=self.interned, buckets=made.buckets, run=self.run, seen_at=now)
            reach("record.after")
            if recorded.rows:
                reach("rollup.before")
                refresh_days(organization_id=self.organization_id, days=[day], prices=self.prices)
                reach("rollup.after")
            reach("coverage.before")
            owner = Owner(self.organization_id, SOURCE)
            changed = {start for start in recorded.changed if isinstance(start, datetime)}
            coverage.keep(owner=owner, reads=made.reads, before=before, changed=changed, run=self.run, now=now)
            observe.note(owner=owner, novelties=made.novelties, now=now)
            observe.set_aside(owner=owner, rejected=made.rejected, run=self.run, now=now)
            reach("coverage.after")
            reach("commit.before")
        reach("commit.after")
        self.rows_read += made.rows_read
        self.rows_changed += recorded.rows


class _Day:
    """The buckets of one day on their way from chains to facts."""

    def __init__(self, recorder: Recorder, day: date, before: Mapping[datetime, Coverage], now: datetime) -> None:
        self._recorder, self._before, self._now = recorder, before, now
        self._splits_context = recorder.prices.table.depends_on_context(day)
        self.buckets: list[UsageBucket] = []
        self.reads: list[Read] = []
        self.rejected: dict[datetime, list[Rejected]] = {}
        self.novelties: Counter[tuple[str, str]] = Counter()
        self.rows_read = 0

    def take(self, start: datetime, chains: Chains) -> None:
        """Turn one bucket into facts, unless it is as it was; where a subtraction goes negative, read it again once."""
        end = chains.base[start].end
        digest = self._digest(start, chains)
        old = self._before.get(start)
        self.rows_read += len(chains.base[start].rows)
        if old and bytes(old.digest) == digest:
            self.reads.append(
                Read(start, end, digest, old.rejected, kept=old.state == "inconsistent" and not old.rejected)
            )
            return
        try:
            facts, rejected = self._facts(start, chains)
        except split.Negative:
            chains = self._recorder.reread(Window(start, end))
            digest = self._digest(start, chains)
            try:
                facts, rejected = self._facts(start, chains)
            except split.Negative:
                # An hour under way moves between the reads of its chains. It is read again within minutes, and must
                # not be found equal to what was not recorded.
                self.reads.append(Read(start, end, digest if end <= self._now else b"", kept=True))
                return
        self.rejected[start] = rejected
        self.buckets.append(UsageBucket(start, facts, revises=old is not None and end <= self._now))
        self.reads.append(Read(start, end, digest, len(rejected)))

    def _digest(self, start: datetime, chains: Chains) -> bytes:
        return coverage.combined(
            (name, of[start].digest) for name, of in self._parts(chains).items() if of is not None and (start in of)
        )

    def _parts(self, chains: Chains) -> dict[str, ByStart | None]:
        long = chains.long if self._splits_context else None
        return {
            BASE.name: chains.base,
            FAST.name: chains.fast,
            LONG.name: long,
            FAST_LONG.name: chains.fast_long if long is not None else None,
        }

    def _facts(self, start: datetime, chains: Chains) -> tuple[dict[UsageDims, Counts], list[Rejected]]:
        parsed: dict[str, Parsed | None] = {}
        for name, of in self._parts(chains).items():
            parsed[name] = None if of is None else usage.parse(of[start]) if start in of else Parsed()
        rejected = [row for one in parsed.values() if one for row in one.rejected]
        for one in parsed.values():
            self.novelties.update(one.novelties if one else {})
        rows = {name: None if one is None else one.rows for name, one in parsed.items()}
        facts = split.facts(
            rows[BASE.name] or {},
            fast=rows[FAST.name],
            long=rows[LONG.name],
            fast_long=rows[FAST_LONG.name],
            names=self._recorder.names,
        )
        return facts, rejected


def _by_start(buckets: tuple[Bucket, ...]) -> ByStart:
    return {bucket.start: bucket for bucket in buckets}


def _days(window: Window) -> list[date]:
    days, day = [], window.start.date()
    while clock.midnight(day) < window.end:
        days.append(day)
        day += clock.DAY
    return days
