"""Making facts again from what was kept as it came: proof that they are what the vendor said, and a way back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from costwatch import clock
from costwatch.directory import mirror
from costwatch.directory.models import Organization
from costwatch.ingest import cost, raw, split, usage
from costwatch.ingest.coverage import Owner
from costwatch.ingest.lease import Held, lease
from costwatch.ingest.raw import Kept
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.prices import Prices
from costwatch.ledger.record import ReportedDay, UsageBucket, record_reported, record_usage
from costwatch.ledger.rollup import refresh_days, refresh_series_months
from costwatch.upstream.usage import BASE, FAST, FAST_LONG, LONG, parse


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What making one day again did. Shape: `changed` rows were not what had been kept."""

    source: str
    day: date
    buckets: int
    changed: int


class Rebuild:
    """Rebuilds an organization's facts of some days from what was kept of them. Other buckets stay as they are."""

    def __init__(self, organization: Organization, prices: Prices, run: int = 0) -> None:
        self._organization, self._prices, self._run = organization, prices, run
        self._interned = Interned(organization.pk)
        self._default = mirror.default_workspace_id(organization)
        self._names = split.Names(self._default)

    def usage(self, since: datetime, until: datetime) -> Iterator[Rebuilt]:
        """The hours of usage, a day at a time. Raises: Busy while usage is read."""
        with lease(self._organization.pk, usage.SOURCE) as held:
            owner = Owner(self._organization.pk, usage.SOURCE)
            for day, kept in _by_day(raw.kept(owner, since, until, clock.HOUR)):
                yield self._usage_day(day, kept, held)
            refresh_series_months(organization_id=self._organization.pk, fence=held.fence)

    def cost(self, since: datetime, until: datetime) -> Iterator[Rebuilt]:
        """The days of the cost report. Raises: Busy while it is read."""
        with lease(self._organization.pk, cost.SOURCE) as held:
            owner = Owner(self._organization.pk, cost.SOURCE)
            for day, kept in _by_day(raw.kept(owner, since, until, clock.DAY)):
                lines, _ = cost.lines_of(kept[0].chains[cost.LINES], self._default)
                self._interned.reported(lines)
                with transaction.atomic():
                    held.fence()
                    days = [ReportedDay(day, lines)]
                    made = record_reported(interned=self._interned, days=days, run=self._run, seen_at=clock.now())
                yield Rebuilt(cost.SOURCE, day, 1, made.rows)

    def _usage_day(self, day: date, kept: list[Kept], held: Held) -> Rebuilt:
        buckets = [UsageBucket(one.start, facts) for one in kept if (facts := self._facts(one)) is not None]
        self._interned.usage(dims for bucket in buckets for dims in bucket.facts)
        with transaction.atomic():
            held.fence()
            made = record_usage(interned=self._interned, buckets=buckets, run=self._run, seen_at=clock.now())
            refresh_days(organization_id=self._organization.pk, days=[day], prices=self._prices)
        return Rebuilt(usage.SOURCE, day, len(buckets), made.rows)

    def _facts(self, kept: Kept) -> dict[UsageDims, Counts] | None:
        """The facts of an hour; None where what divides it was never kept."""
        rows = {name: parse(bucket).rows for name, bucket in kept.chains.items()}
        if BASE.name not in rows or not kept.is_whole:
            return None
        by_context = self._prices.table.depends_on_context(kept.start.date())
        return split.facts(
            rows[BASE.name],
            fast=rows.get(FAST.name),
            long=rows.get(LONG.name) if by_context else None,
            fast_long=rows.get(FAST_LONG.name, {}) if by_context and FAST.name in rows else None,
            names=self._names,
        )


def _by_day(kept: Iterator[Kept]) -> Iterator[tuple[date, list[Kept]]]:
    day: date | None = None
    together: list[Kept] = []
    for one in kept:
        if one.start.date() != day and together:
            yield together[0].start.date(), together
            together = []
        day = one.start.date()
        together.append(one)
    if together:
        yield together[0].start.date(), together
