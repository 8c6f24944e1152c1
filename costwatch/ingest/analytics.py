"""One window of the usage and cost analytics: read both by two chains, record a day of each at a time."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

from django.db import transaction

from costwatch import clock
from costwatch.ingest import books, coverage
from costwatch.ingest.analytics_split import Divided, divide_cost, divide_usage
from costwatch.ingest.coverage import Owner, Read
from costwatch.ingest.failpoints import reach
from costwatch.ingest.models import Coverage, State
from costwatch.ingest.plan import Planned
from costwatch.ingest.split import Negative
from costwatch.ledger.analytics import CostDay, Numbered, UsedDay, record_cost, record_usage
from costwatch.upstream import analytics
from costwatch.upstream.analytics import COST, FAST_COST, FAST_USAGE, USAGE, Chain
from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import Bucket, Window
from costwatch.upstream.usage import Rejected

SOURCE = "analytics"
# Two reports of one source: each has coverage of its own.
USAGE_COVERAGE, COST_COVERAGE = "analytics_usage", "analytics_cost"
ByStart = Mapping[datetime, Bucket]
D = TypeVar("D")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Chains:
    """What the base of a report said about each day of a window, and what of it was fast."""

    base: ByStart
    fast: ByStart

    def digest(self, start: datetime) -> bytes:
        """One digest of what both said about a day."""
        return coverage.combined(((USAGE.name, self.base[start].digest), (FAST_USAGE.name, self.fast[start].digest)))

    def buckets(self, start: datetime) -> dict[str, Bucket]:
        """What was read of one day, by chain."""
        return {USAGE.name: self.base[start], FAST_USAGE.name: self.fast[start]}


@dataclass(frozen=True, slots=True)
class Said:
    """What both reports said about a window; `asked` the questions it took."""

    usage: Chains
    cost: Chains
    largest_page: int
    asked: int = 4


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads windows of the analytics; used from several threads, touches no database."""

    client: AdminClient

    def read(self, planned: Planned, limit: int = 0) -> Said:
        """Every day of a window of at most 31. Raises: UpstreamError."""
        reach("fetch.before")
        said = self.read_whole(planned.window, limit)
        reach("fetch.after")
        return said

    def read_whole(self, window: Window, limit: int = 0) -> Said:
        """Both reports by both chains. Raises: UpstreamError."""
        sizes: list[int] = []

        def days(chain: Chain) -> ByStart:
            report = analytics.read(self.client, window, chain, limit=limit or analytics.ROW_LIMIT)
            sizes.append(report.largest_page)
            return {bucket.start: bucket for bucket in report.buckets}

        usage, cost = Chains(days(USAGE), days(FAST_USAGE)), Chains(days(COST), days(FAST_COST))
        return Said(usage, cost, max(sizes))


@dataclass(slots=True)
class Recorder:
    """Records windows for one run: the one thread that writes."""

    organization_id: int
    numbered: Numbered
    run: int
    default_workspace: str
    fence: Callable[[], None]
    reader: Reader
    rows_read: int = 0
    rows_changed: int = 0

    def record(self, said: Said, now: datetime) -> None:
        """Record a window in one transaction: rows and coverage of both reports. At most 31 days.

        Raises: UpstreamError where a day has to be read once more.
        """
        used = _Side(self, USAGE_COVERAGE, divide_usage, lambda answer: answer.usage, now)
        paid = _Side(self, COST_COVERAGE, divide_cost, lambda answer: answer.cost, now)
        reach("parse.before")
        used.take(said)
        paid.take(said)
        reach("parse.after")
        used_days = [UsedDay(day, rows, revises) for day, rows, revises in used.days]
        paid_days = [CostDay(day, rows, revises) for day, rows, revises in paid.days]
        # Outside of the transaction: interned dimensions stay, whatever happens to the rows.
        self.numbered.usage.of(dims for day in used_days for dims in day.rows)
        self.numbered.cost.of(dims for day in paid_days for dims in day.rows)
        with transaction.atomic():
            self.fence()
            reach("record.before")
            recorded = (
                record_usage(numbered=self.numbered, days=used_days, run=self.run, seen_at=now),
                record_cost(numbered=self.numbered, days=paid_days, run=self.run, seen_at=now),
            )
            reach("record.after")
            used.keep(recorded[0].changed)
            paid.keep(recorded[1].changed)
            reach("commit.before")
        reach("commit.after")
        self.rows_read += used.rows_read + paid.rows_read
        self.rows_changed += recorded[0].rows + recorded[1].rows


@dataclass(slots=True)
class _Side(Generic[D, V]):
    """One of the two reports on its way from chains to rows and coverage.

    Shape: `told` are the chains each day was made of, for a day may have been read once more.
    """

    recorder: Recorder
    source: str
    divide: Callable[[Bucket, Bucket, str], Divided[D, V]]
    part: Callable[[Said], Chains]
    now: datetime
    days: list[tuple[date, dict[D, V], bool]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    told: dict[datetime, Chains] = field(default_factory=dict)
    rejected: dict[datetime, list[Rejected]] = field(default_factory=dict)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)
    before: Mapping[datetime, Coverage] = field(default_factory=dict)
    rows_read: int = 0

    def take(self, said: Said) -> None:
        """Turn the days of a window into rows, unless they are as they were."""
        chains = self.part(said)
        self.before = coverage.known(self.recorder.organization_id, self.source, set(chains.base))
        for start in chains.base:
            self._take(start, chains)

    def _take(self, start: datetime, chains: Chains) -> None:
        """Turn one day into rows; where a subtraction goes negative, read it again once."""
        end, old, digest = start + clock.DAY, self.before.get(start), chains.digest(start)
        self.rows_read += len(chains.base[start].rows)
        self.told[start] = chains
        if old and bytes(old.digest) == digest:
            kept = old.state == State.INCONSISTENT and not old.rejected
            self.reads.append(Read(start, end, digest, old.rejected, kept=kept))
            return
        try:
            divided = self._divided(start, chains)
        except Negative:
            chains = self.told[start] = self.part(self.recorder.reader.read_whole(Window(start, end)))
            digest = chains.digest(start)
            try:
                divided = self._divided(start, chains)
            except Negative:
                # A day under way moves between the reads of its chains. It must not be found equal to what was not
                # recorded.
                self.reads.append(Read(start, end, digest if end <= self.now else b"", kept=True))
                return
        self.rejected[start] = divided.rejected
        self.novelties.update(divided.novelties)
        self.days.append((start.date(), divided.rows, old is not None and end <= self.now))
        self.reads.append(Read(start, end, digest, len(divided.rejected)))

    def _divided(self, start: datetime, chains: Chains) -> Divided[D, V]:
        return self.divide(chains.base[start], chains.fast[start], self.recorder.default_workspace)

    def keep(self, changed_days: frozenset[date]) -> None:
        """Write down how the days stand, what was new and what had to be set aside. In the transaction of the rows."""
        books.close(
            owner=Owner(self.recorder.organization_id, self.source),
            width=clock.DAY,
            reads=self.reads,
            before=self.before,
            changed={start for start in self.told if start.date() in changed_days},
            told=lambda start: self.told[start].buckets(start),
            novelties=self.novelties,
            rejected=self.rejected,
            run=self.recorder.run,
            now=self.now,
        )
