"""Recording what the reports said: facts and reported lines are replaced as sets, changes after the end are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from costwatch.ledger.dimensions import NOTHING, Counts, ReportedDims, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.models import COUNTS, Fact, ReportedLine
from costwatch.ledger.store import store
from costwatch.ledger.store.base import FACT, REPORTED, REPORTED_REVISION, REVISION, Replaced


@dataclass(frozen=True, slots=True)
class UsageBucket:
    """The facts of one hour. `revises` says that it had ended, and had been read before."""

    start: datetime
    facts: Mapping[UsageDims, Counts]
    revises: bool = False


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """The cost report's lines of one day: pico-dollars and the vendor's own text (cents) of each."""

    day: date
    lines: Mapping[ReportedDims, tuple[int, str]]
    revises: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording changed: how many rows, and in which buckets."""

    rows: int = 0
    changed: frozenset[datetime] | frozenset[date] = frozenset()


def record_usage(*, interned: Interned, buckets: Sequence[UsageBucket], run: int, seen_at: datetime) -> Recorded:
    """Replace the facts of some hours, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions interned before it.
    """
    if not buckets:
        return Recorded()
    starts = [bucket.start for bucket in buckets]
    ids = interned.usage(dims for bucket in buckets for dims in bucket.facts)
    wanted = {
        (bucket.start, ids[dims]): (*counts, run)
        for bucket in buckets
        for dims, counts in bucket.facts.items()
        if counts != NOTHING
    }
    found = Fact.objects.filter(
        bucket_start__gte=min(starts), bucket_start__lte=max(starts), series__organization=interned.organization_id
    ).values_list("bucket_start", "series_id", *COUNTS, "run")
    touched = set(starts)
    existing = {(row[0], row[1]): tuple(row[2:]) for row in found if row[0] in touched}
    replaced = store().replace(FACT, existing, wanted)
    late = {bucket.start for bucket in buckets if bucket.revises}
    store().append(
        REVISION,
        [
            (interned.organization_id, start, series, *delta, seen_at, run)
            for (start, series), delta in _count_deltas(replaced).items()
            if start in late
        ],
    )
    return Recorded(replaced.rows, frozenset(start for start, _ in replaced.after))


def _count_deltas(replaced: Replaced) -> dict[tuple[datetime, int], Counts]:
    deltas: dict[tuple[datetime, int], Counts] = {}
    for key, after in replaced.after.items():
        old, new = replaced.before[key] or NOTHING, after or NOTHING
        deltas[key] = tuple(b - a for a, b in zip(old[:6], new[:6], strict=True))
    return deltas


def record_reported(*, interned: Interned, days: Sequence[ReportedDay], run: int, seen_at: datetime) -> Recorded:
    """Replace the cost report's lines of some days, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions interned before it.
    """
    if not days:
        return Recorded()
    touched = {day.day for day in days}
    ids = interned.reported(dims for day in days for dims in day.lines)
    wanted = {(day.day, ids[dims]): (*amount, run) for day in days for dims, amount in day.lines.items()}
    found = ReportedLine.objects.filter(
        day__gte=min(touched), day__lte=max(touched), series__organization=interned.organization_id
    ).values_list("day", "series_id", "amount", "amount_cents", "run")
    existing = {(row[0], row[1]): tuple(row[2:]) for row in found if row[0] in touched}
    replaced = store().replace(REPORTED, existing, wanted)
    late = {day.day for day in days if day.revises}
    store().append(
        REPORTED_REVISION,
        [
            (
                interned.organization_id,
                day,
                series,
                _amount(after) - _amount(replaced.before[day, series]),
                seen_at,
                run,
            )
            for (day, series), after in replaced.after.items()
            if day in late
        ],
    )
    return Recorded(replaced.rows, frozenset(day for day, _ in replaced.after))


def _amount(values: tuple[int, ...] | None) -> int:
    return values[0] if values else 0
