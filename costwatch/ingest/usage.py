"""Recording hourly usage: chains are split into facts, a day at a time, with the rollups and books of that day."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from costwatch import clock
from costwatch.ingest import books, coverage, minutes, split
from costwatch.ingest.chains import Chains, Reader
from costwatch.ingest.coverage import Owner, Read, still_grows
from costwatch.ingest.failpoints import reach
from costwatch.ingest.models import Coverage, State
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.prices import Prices
from costwatch.ledger.record import UsageBucket, record_usage
from costwatch.ledger.rollup import refresh_days
from costwatch.ledger.stored import divided
from costwatch.upstream import usage
from costwatch.upstream.pages import Window
from costwatch.upstream.usage import BASE, FAST, FAST_LONG, LONG, SHORT_WINDOW, Rejected

SOURCE = "usage"
MINUTES_SETTLE_AFTER = timedelta(hours=48)
# How long what is stored may stand for how an hour divides by speed, while the hour grows and its models have a price
# for speed. A settling read asks in any case.
DIVIDED_FOR = timedelta(minutes=20)
# A total that differs is compared once more at once, but not of every hour of a window: an hour later will do.
MOST_REREADS = 10
Stored = Mapping[datetime, Mapping[UsageDims, Counts]]


@dataclass(slots=True)
class Recorder:
    """Records windows for one run: the one thread that writes."""

    organization_id: int
    interned: Interned
    prices: Prices
    run: int
    names: split.Names
    fence: Callable[[], None]
    reader: Reader
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, chains: Chains, now: datetime) -> None:
        """Record a window a UTC day at a time, newest first: rows, rollups and books of a day in one transaction.

        Raises: UpstreamError where splitters have to be read that were left out.
        """
        starts: dict[date, list[datetime]] = {}
        for start in chains.base:
            starts.setdefault(start.date(), []).append(start)
        known = coverage.known(self.organization_id, SOURCE, set(chains.base))
        days = {day: _Day(self, day, known, now) for day in sorted(starts, reverse=True)}
        if [start for day, made in days.items() for start in made.undivided(starts[day], chains)]:
            # As many questions for all of the window as for one hour of it, and how an hour divides may change while
            # its base stays as it is: whenever one has to be divided, all are looked at.
            self.reader.divide(chains, Window(min(chains.base), max(one.end for one in chains.base.values())))
        for day in list(days):
            self._record_day(days.pop(day), starts[day], chains, now)

    def _record_day(self, made: "_Day", starts: list[datetime], chains: Chains, now: datetime) -> None:
        day, before = made.day, made.before
        reach("parse.before")
        for start in starts:
            made.take(start, chains)
        reach("parse.after")
        # Outside of the transaction: interned dimensions stay, whatever happens to the facts.
        self.interned.usage(dims for bucket in made.buckets for dims in bucket.facts)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            recorded = record_usage(
                interned=self.interned, buckets=made.buckets, run=self.run, seen_at=now, why=chains.why
            )
            reach("record.after")
            if recorded.rows:
                reach("rollup.before")
                refresh_days(organization_id=self.organization_id, days=[day], prices=self.prices)
                reach("rollup.after")
            changed = {start for start in recorded.changed if isinstance(start, datetime)}
            books.close(
                owner=Owner(self.organization_id, SOURCE),
                width=clock.HOUR,
                reads=made.reads,
                before=before,
                changed=changed,
                told=lambda start: made.told[start].buckets(start),
                is_whole=lambda start: start in made.told[start].whole,
                novelties=made.novelties,
                rejected=made.rejected,
                run=self.run,
                now=now,
            )
            # Minutes of that age are read no more by themselves, and peaks are made of them.
            late = {start for start in changed if start in before and now - start >= MINUTES_SETTLE_AFTER}
            if late:
                coverage.reopen(Owner(self.organization_id, minutes.SOURCE), late, run=self.run, now=now)
            reach("commit.before")
        reach("commit.after")
        for start in starts:
            chains.forget(start)
        self.rows_read += made.rows_read
        self.rows_changed += recorded.rows


class _Day:
    """The buckets of one day on their way from chains to facts.

    Shape: `told` are the chains each bucket was made of, for a bucket may have been read once more.
    """

    def __init__(self, recorder: Recorder, day: date, before: Mapping[datetime, Coverage], now: datetime) -> None:
        self._recorder, self.day, self.before, self._now = recorder, day, before, now
        self._splits_context = recorder.prices.table.depends_on_context(day)
        self._stored: Stored = {}
        self.buckets: list[UsageBucket] = []
        self.reads: list[Read] = []
        self.told: dict[datetime, Chains] = {}
        self.rejected: dict[datetime, list[Rejected]] = {}
        self.novelties: Counter[tuple[str, str]] = Counter()
        self.rows_read = 0

    def undivided(self, starts: list[datetime], chains: Chains) -> list[datetime]:
        """The buckets whose splitters are needed, where only the base was read."""
        grown = [
            start
            for start in starts
            if start not in chains.whole and (self._is_stale(start) or not self._is_equal(start, chains))
        ]
        if not grown:
            return []
        self._stored = divided(
            self._recorder.organization_id, [start for start in grown if start in self.before], *self._plain
        )
        return [start for start in grown if self._wants_splitters(start, chains)]

    def take(self, start: datetime, chains: Chains) -> None:
        """Turn one bucket into facts, unless it is as it was; where a subtraction goes negative, read it again once."""
        end = chains.base[start].end
        old = self.before.get(start)
        self.rows_read += len(chains.base[start].rows)
        self.told[start] = chains
        if old and self._is_equal(start, chains):
            self._note(start, chains, old.rejected, kept=old.state == State.INCONSISTENT and not old.rejected)
            return
        try:
            facts, rejected = self._facts(start, chains)
        except split.Negative:
            chains = self.told[start] = self._recorder.reader.read_whole(Window(start, end))
            try:
                facts, rejected = self._facts(start, chains)
            except split.Negative:
                # An hour under way moves between the reads of its chains. It is read again within minutes, and must
                # not be found equal to what was not recorded.
                digest = chains.base[start].digest if end <= self._now else b""
                self.reads.append(Read(start, end, digest, split=chains.split_digest(start), kept=True))
                return
        self.rejected[start] = rejected
        self.buckets.append(
            UsageBucket(
                start,
                facts,
                revises=old is not None and end <= self._now,
                completes=old is not None and still_grows(old, end, self._now),
            )
        )
        self._note(start, chains, len(rejected))

    @property
    def _plain(self) -> tuple[str, str]:
        """The speed and the context window of what no splitter names on this day."""
        speed = split.PLAIN_SPEED if self._recorder.reader.reads_speed else ""
        return speed, SHORT_WINDOW if self._splits_context else ""

    def _is_equal(self, start: datetime, chains: Chains) -> bool:
        old = self.before.get(start)
        return (
            old is not None
            and bytes(old.digest) == chains.base[start].digest
            and (start not in chains.whole or bytes(old.split_digest) == chains.split_digest(start))
        )

    def _is_stale(self, start: datetime) -> bool:
        """Whether how a bucket divides was left open when it was read last."""
        old = self.before.get(start)
        if old is None or self._recorder.reader.divisions_left <= 0:
            return False
        return not bytes(old.split_digest)

    def _wants_splitters(self, start: datetime, chains: Chains) -> bool:
        """Whether what is stored does not explain a bucket's base, or has stood for it long enough."""
        parsed = chains.parsed(BASE.name, start)
        if parsed is None:
            return False
        stored = self._stored.get(start, {})
        speed, window = self._plain
        try:
            split.carried(parsed.rows, stored, names=self._recorder.names, speed=speed, window=window)
        except split.Negative:
            return True
        old = self.before.get(start)
        divided_at = old.split_at if old else None
        # What was divided once is divided again only as often as the hour affords.
        if divided_at and (self._recorder.reader.divisions_left <= 0 or self._now - divided_at < DIVIDED_FOR):
            return False
        return bool(stored) or any(self._recorder.prices.splits(key[2] or "", self.day) for key in parsed.rows)

    def _note(self, start: datetime, chains: Chains, rejected: int, *, kept: bool = False) -> None:
        bucket = chains.base[start]
        is_whole = start in chains.whole
        self.reads.append(
            Read(
                start,
                bucket.end,
                bucket.digest,
                rejected,
                kept,
                split=chains.split_digest(start) if is_whole else None,
                total_ok=self._compares(start, chains),
            )
        )

    def _compares(self, start: datetime, chains: Chains, *, again: bool = True) -> bool | None:
        """Whether the ungrouped total of a bucket is the sum of its rows; read once more before that is denied."""
        if start not in chains.total:
            return None
        parsed = chains.parsed(BASE.name, start)
        if parsed and usage.total(chains.total[start]) == usage.added(parsed.rows.values()):
            return True
        end = chains.base[start].end
        if not again or end > self._now or self._recorder.reader.rereads >= MOST_REREADS:
            return False
        reread = self._recorder.reader.read_whole(Window(start, end))
        # A total that belongs to other rows than those just recorded proves nothing about them.
        return reread.base[start].digest == chains.base[start].digest and bool(
            self._compares(start, reread, again=False)
        )

    def _facts(self, start: datetime, chains: Chains) -> tuple[dict[UsageDims, Counts], list[Rejected]]:
        parsed = {chain.name: chains.parsed(chain.name, start) for chain in (BASE, FAST, LONG, FAST_LONG)}
        rejected = [row for one in parsed.values() if one for row in one.rejected]
        for one in parsed.values():
            self.novelties.update(one.novelties if one else {})
        rows = {name: None if one is None else one.rows for name, one in parsed.items()}
        base = rows[BASE.name] or {}
        names = self._recorder.names
        if start not in chains.whole:
            speed, window = self._plain
            stored = self._stored.get(start, {})
            return split.carried(base, stored, names=names, speed=speed, window=window), rejected
        by_context = self._splits_context
        facts = split.facts(
            base,
            fast=rows[FAST.name],
            long=rows[LONG.name] if by_context else None,
            fast_long=rows[FAST_LONG.name] if by_context else None,
            names=names,
        )
        return facts, rejected
