"""The chains of hourly usage: one truth, the splitters that divide it, and the total it is compared with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from costwatch import clock
from costwatch.ingest import coverage
from costwatch.ingest.failpoints import reach
from costwatch.ingest.plan import Planned, Why
from costwatch.ledger.prices import Prices
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused
from costwatch.upstream.pages import Bucket, Report, Window
from costwatch.upstream.usage import BASE, FAST, FAST_LONG, LONG, TOTAL, Chain, Parsed

ByStart = dict[datetime, Bucket]
SPLITTERS = (FAST, LONG, FAST_LONG)


@dataclass(slots=True)
class Chains:
    """What the chains said about a window; a chain that was not read is absent, or lacks the bucket.

    Shape: `whole` are the buckets whose splitters were read, which may be none at all; `asked` the questions it took,
    `divided` those among them that a poll led to.
    """

    base: ByStart
    splits: dict[str, ByStart] = field(default_factory=dict)
    whole: set[datetime] = field(default_factory=set)
    total: ByStart = field(default_factory=dict)
    why: str = ""
    asked: int = 0
    divided: int = 0
    largest_page: int = 0
    speed_refused: str = ""
    _parsed: dict[tuple[str, datetime], Parsed] = field(default_factory=dict)

    def parsed(self, chain: str, start: datetime) -> Parsed | None:
        """A bucket's rows of one chain; None where the chain was not read."""
        of = self.base if chain == BASE.name else self.splits.get(chain)
        if of is None or (chain != BASE.name and start not in self.whole):
            return None
        known = self._parsed.get((chain, start))
        if known is None:
            known = self._parsed[chain, start] = usage.parse(of[start]) if start in of else Parsed()
        return known

    def split_digest(self, start: datetime) -> bytes:
        """One digest of what the splitters said about a bucket."""
        return coverage.combined((name, of[start].digest) for name, of in self.splits.items() if start in of)

    def buckets(self, start: datetime) -> dict[str, Bucket]:
        """What was read of one bucket, by chain."""
        found = {BASE.name: self.base[start]}
        if start in self.whole:
            found |= {name: of[start] for name, of in self.splits.items() if start in of}
        return found

    def forget(self, start: datetime) -> None:
        """Let go of a bucket that is recorded: a window may be large."""
        for name in (BASE.name, *self.splits):
            self._parsed.pop((name, start), None)


@dataclass(slots=True)
class Reader:
    """Reads usage windows for one organization; used from several threads, touches no database."""

    client: AdminClient
    prices: Prices
    reads_speed: bool
    # How many questions polls may still lead to in this hour, where what is stored explains the base.
    divisions_left: float = float("inf")
    # Questions asked beside the windows.
    rereads: int = 0
    speed_refused: str = ""

    def read(self, planned: Planned, limit: int = 0) -> Chains:
        """The base of a window, with its splitters unless it is read every few minutes, and its total where it settles.

        Raises: UpstreamError.
        """
        reach("fetch.before")
        chains = self.read_base(planned.window, limit)
        chains.why = planned.why
        if planned.why != Why.RECENT:
            self.split(chains, planned.window, limit)
        if planned.why in (Why.SETTLING, Why.MISSING):
            chains.total = self._read(chains, planned.window, TOTAL, limit)
        reach("fetch.after")
        return chains

    def read_whole(self, window: Window) -> Chains:
        """Every chain of a window once more, its total included. Raises: UpstreamError."""
        chains = self.read(Planned(window, Why.SETTLING))
        self.rereads += chains.asked
        return chains

    def read_base(self, window: Window, limit: int = 0) -> Chains:
        """The chain that everything is split from. Raises: UpstreamError."""
        chains = Chains({})
        chains.base = self._read(chains, window, BASE, limit)
        if not self.splitters(window):
            chains.whole = set(chains.base)
        return chains

    def divide(self, chains: Chains, window: Window, limit: int = 0) -> None:
        """Add the splitters that a poll left out. Raises: UpstreamError."""
        before = chains.asked
        self.split(chains, window, limit)
        asked = chains.asked - before
        chains.divided += asked
        self.divisions_left -= asked

    def splitters(self, window: Window) -> tuple[Chain, ...]:
        """The chains that divide the base of a window."""
        by_context = any(self.prices.table.depends_on_context(day) for day in days(window))
        return tuple(
            chain
            for chain, is_read in (
                (FAST, self.reads_speed),
                (LONG, by_context),
                (FAST_LONG, self.reads_speed and by_context),
            )
            if is_read
        )

    def split(self, chains: Chains, window: Window, limit: int = 0) -> None:
        """Add the splitters of a window inside the one that was read.

        Raises: UpstreamError. An organization that may not filter by speed has one: that refusal is kept, not raised.
        """
        for chain in self.splitters(window):
            fast = chains.splits.get(FAST.name, {})
            if chain is FAST_LONG and not any(bucket.rows for bucket in fast.values()):
                # Without fast usage none of it is long.
                chains.splits.setdefault(FAST_LONG.name, {})
                continue
            try:
                found = self._read(chains, window, chain, limit)
            except Refused as error:
                if chain is not FAST:
                    raise
                chains.speed_refused = self.speed_refused = str(error)
                self.reads_speed = False
                return self.split(chains, window, limit)
            chains.splits.setdefault(chain.name, {}).update(found)
        chains.whole |= {start for start in chains.base if window.start <= start < window.end}
        return None

    def _read(self, chains: Chains, window: Window, chain: Chain, limit: int) -> ByStart:
        chains.asked += 1
        report: Report = usage.read(self.client, window, chain, limit=limit)
        chains.largest_page = max(chains.largest_page, report.largest_page)
        return {bucket.start: bucket for bucket in report.buckets}


def days(window: Window) -> Iterable[date]:
    """The UTC days that a window touches."""
    day = window.start.date()
    while clock.midnight(day) < window.end:
        yield day
        day += clock.DAY
