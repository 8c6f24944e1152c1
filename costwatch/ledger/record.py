"""Recording what the reports said: facts and reported lines are replaced as sets, changes after the end are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from costwatch.ledger.dimensions import NOTHING, Counts, ReportedDims, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.rollup import refresh_reported_months
from costwatch.ledger.store import store
from costwatch.ledger.store.base import Row
from costwatch.ledger.store.tables import FACT, REPORTED, REPORTED_REVISION, REVISION

# The reason of a change of what was open: growth, no correction.
COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class UsageBucket:
    """The facts of one hour, none of them all zero.

    `revises` says that it had ended, and had been read before; `completes` that it was open still.
    """

    start: datetime
    facts: Mapping[UsageDims, Counts]
    revises: bool = False
    completes: bool = False


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """The cost report's lines of one day: pico-dollars and the vendor's own text (cents) of each."""

    day: date
    lines: Mapping[ReportedDims, tuple[int, str]]
    revises: bool = False
    completes: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording changed: how many rows, and in which buckets."""

    rows: int = 0
    changed: frozenset[date] = frozenset()


def record_usage(
    *, interned: Interned, buckets: Sequence[UsageBucket], run: int, seen_at: datetime, why: str = ""
) -> Recorded:
    """Replace the facts of some hours, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions interned before it.
    """
    ids = interned.usage()
    wanted = {bucket.start: {ids[dims]: counts for dims, counts in bucket.facts.items()} for bucket in buckets}
    replaced = store().replace(FACT, interned.organization_id, wanted, (run,))
    store().append(
        REVISION,
        [
            (
                interned.organization_id,
                bucket.start,
                series,
                *_delta(old, new),
                seen_at,
                run,
                COMPLETED if bucket.completes else why,
            )
            for bucket in buckets
            if bucket.revises
            for series, old, new in replaced.differences.get(bucket.start, ())
        ],
    )
    return Recorded(replaced.rows, frozenset(replaced.differences))


def _delta(old: Row | None, new: Row | None) -> Row:
    return tuple(after - before for before, after in zip(old or NOTHING, new or NOTHING, strict=True))


def record_reported(
    *, interned: Interned, days: Sequence[ReportedDay], run: int, seen_at: datetime, why: str = ""
) -> Recorded:
    """Replace the cost report's lines of some days, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions interned before it.
    """
    ids = interned.reported()
    wanted = {day.day: {ids[dims]: amount for dims, amount in day.lines.items()} for day in days}
    replaced = store().replace(REPORTED, interned.organization_id, wanted, (run,))
    store().append(
        REPORTED_REVISION,
        [
            (
                interned.organization_id,
                day.day,
                series,
                _amount(new) - _amount(old),
                seen_at,
                run,
                COMPLETED if day.completes else why,
            )
            for day in days
            if day.revises
            for series, old, new in replaced.differences.get(day.day, ())
        ],
    )
    refresh_reported_months(organization_id=interned.organization_id, days=replaced.differences)
    return Recorded(replaced.rows, frozenset(replaced.differences))


def _amount(values: Row | None) -> int:
    return values[0] if values else 0
