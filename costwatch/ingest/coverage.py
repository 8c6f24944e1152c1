"""Coverage: how each bucket of a source stands, kept in the same transaction as its rows."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, QuerySet

from costwatch.ingest.models import Coverage, CoverageChange, State
from costwatch.ingest.plan import Standing, settles

FINAL = (State.SETTLED, State.REVISED)


class Owner(NamedTuple):
    """Whose buckets: one source of one organization."""

    organization_id: int
    source: str


@dataclass(frozen=True, slots=True)
class Read:
    """One bucket as it was just read. `kept` says that its last good rows were kept instead."""

    start: datetime
    end: datetime
    digest: bytes
    rejected: int = 0
    kept: bool = False


def standings(organization_id: int, source: str, since: datetime, until: datetime) -> dict[datetime, Standing]:
    """What is known of the buckets in [since, until)."""
    rows = Coverage.objects.filter(
        organization=organization_id, source=source, start__gte=since, start__lt=until
    ).values_list("start", "end", "state", "last_read_at")
    return {start: Standing(end, state == State.OPEN, read_at) for start, end, state, read_at in rows}


def known(organization_id: int, source: str, starts: Collection[datetime]) -> dict[datetime, Coverage]:
    """The coverage rows of some buckets."""
    if not starts:
        return {}
    rows = Coverage.objects.filter(
        organization=organization_id, source=source, start__gte=min(starts), start__lte=max(starts)
    )
    return {row.start: row for row in rows if row.start in starts}


def combined(digests: Iterable[tuple[str, bytes]]) -> bytes:
    """One digest of what every chain said about a bucket."""
    made = hashlib.blake2b(digest_size=16)
    for name, one in digests:
        made.update(name.encode() + b"\x00" + one)
    return made.digest()


def keep(
    *,
    owner: Owner,
    reads: Sequence[Read],
    before: Mapping[datetime, Coverage],
    changed: Collection[datetime],
    run: int,
    now: datetime,
) -> None:
    """Write down that some buckets were read: new rows, changed rows, and the changes of state. In a transaction."""
    new: list[Coverage] = []
    same: list[datetime] = []
    changes: list[CoverageChange] = []
    for read in reads:
        old = before.get(read.start)
        row = _next(old, read, owner, read.start in changed, now)
        if old is None:
            new.append(row)
        elif (row.state, row.digest, row.rejected) == (old.state, bytes(old.digest), old.rejected):
            same.append(read.start)
            continue
        else:
            _mine(owner).filter(start=read.start).update(
                state=row.state,
                digest=row.digest,
                rejected=row.rejected,
                equal_reads=row.equal_reads,
                last_read_at=now,
                changed_at=row.changed_at,
            )
        if old is None or old.state != row.state:
            changes.append(
                CoverageChange(
                    organization_id=owner.organization_id,
                    source=owner.source,
                    start=read.start,
                    end=read.end,
                    state=row.state,
                    seen_at=now,
                    run=run,
                )
            )
    Coverage.objects.bulk_create(new)
    CoverageChange.objects.bulk_create(changes)
    if same:
        _mine(owner).filter(start__in=same).update(last_read_at=now, equal_reads=F("equal_reads") + 1)


def _mine(owner: Owner) -> QuerySet[Coverage]:
    return Coverage.objects.filter(organization=owner.organization_id, source=owner.source)


def _next(old: Coverage | None, read: Read, owner: Owner, changed: bool, now: datetime) -> Coverage:
    equal = old is not None and not changed and not read.kept
    equal_reads = old.equal_reads + 1 if old and equal else 1
    first_read_at = old.first_read_at if old else now
    if read.kept or read.rejected:
        state = State.INCONSISTENT
    elif old and old.state in FINAL:
        state = State.REVISED if changed else State(old.state)
    elif settles(end=read.end, now=now, first_read_at=first_read_at, equal_reads=equal_reads):
        state = State.SETTLED
    else:
        state = State.OPEN
    return Coverage(
        organization_id=owner.organization_id,
        source=owner.source,
        start=read.start,
        end=read.end,
        state=state,
        digest=read.digest,
        equal_reads=equal_reads,
        rejected=read.rejected,
        first_read_at=first_read_at,
        last_read_at=now,
        changed_at=now if changed or not old else old.changed_at,
    )
