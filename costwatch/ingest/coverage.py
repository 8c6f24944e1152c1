"""Coverage: how each bucket of a source stands, kept in the same transaction as its rows."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from costwatch.ingest.epoch import Epoch, moment
from costwatch.ingest.models import Coverage, CoverageChange, EqualRead, State
from costwatch.ingest.plan import COMPARED_FOR, SETTLES_AFTER, Standing, settles
from costwatch.ingest.reached import last_reads

FINAL = (State.SETTLED, State.REVISED)
CONTENT = ("state", "digest", "split_digest", "rejected", "control_total_ok", "whole_at")


class Owner(NamedTuple):
    """Whose buckets: one source of one organization."""

    organization_id: int
    source: str


@dataclass(frozen=True, slots=True)
class Read:
    """One bucket as it was just read. `kept` says that its last good rows were kept instead.

    Shape: `split` is the digest of its splitters, None where they were not read: such a read settles nothing.
    `total_ok` says whether its control total compares, None where none was read. `is_part`: only some of it was read,
    so that it still counts as last read when all of it was.
    """

    start: datetime
    end: datetime
    digest: bytes
    rejected: int = 0
    kept: bool = False
    split: bytes | None = b""
    total_ok: bool | None = None
    is_part: bool = False


def standings(
    organization_id: int, source: str, since: datetime, until: datetime, *, compares: bool = False
) -> dict[datetime, Standing]:
    """What is known of the buckets in [since, until). `compares`: the source has control totals.

    A revised bucket whose total was not compared since may be read as if it were to settle: that proves it again.
    """
    owner = Owner(organization_id, source)
    rows = _mine(owner).filter(start__gte=since, start__lt=until)
    read = [
        (moment(start), moment(end), moment(read_at), state, total_ok)
        for start, end, read_at, state, total_ok in rows.values_list(
            Epoch("start"), Epoch("end"), Epoch("last_read_at"), "state", "control_total_ok"
        )
    ]
    last = last_reads(*owner, [(start, end, read_at) for start, end, read_at, _, _ in read])
    return {
        start: Standing(
            end,
            state == State.OPEN or (compares and state == State.REVISED and total_ok is not True),
            last[start],
            differed=total_ok is False,
        )
        for start, end, _, state, total_ok in read
    }


def is_final(owner: Owner, since: datetime, until: datetime, count: int, *, compares: bool) -> bool:
    """Whether all buckets of [since, until), which are so many, were read and none is open, as `standings` has it."""
    final = Q(state__in=(State.SETTLED, State.INCONSISTENT))
    final |= Q(state=State.REVISED, control_total_ok=True) if compares else Q(state=State.REVISED)
    return _mine(owner).filter(final, start__gte=since, start__lt=until).count() == count


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
) -> set[datetime]:
    """Write down that some buckets were read: new and changed rows, and changes of state and proof. In a transaction.

    Shape: the buckets that this read settled.
    """
    new: list[Coverage] = []
    same = False
    settled: set[datetime] = set()
    changes: list[CoverageChange] = []
    were_final = _were_final(owner, [row for row in before.values() if row.state == State.INCONSISTENT])
    for read in reads:
        old = before.get(read.start)
        row = _next(old, read, owner, read.start in changed, now, was_final=read.start in were_final)
        if old is None:
            new.append(row)
        elif _content(row) == _content(old):
            same = True
            continue
        else:
            _mine(owner).filter(start=read.start).update(
                **{name: getattr(row, name) for name in CONTENT},
                split_at=row.split_at,
                last_read_at=row.last_read_at,
                changed_at=row.changed_at,
            )
        if row.state == State.SETTLED and (old is None or old.state != row.state):
            settled.add(row.start)
        if old is None or (old.state, old.control_total_ok) != (row.state, row.control_total_ok):
            changes.append(
                CoverageChange(
                    organization_id=owner.organization_id,
                    source=owner.source,
                    start=read.start,
                    end=read.end,
                    state=row.state,
                    control_total_ok=row.control_total_ok,
                    seen_at=now,
                    run=run,
                )
            )
    Coverage.objects.bulk_create(new)
    CoverageChange.objects.bulk_create(changes)
    if same:
        _note_equal(owner, reads, now)
    return settled


def reopen(owner: Owner, starts: Collection[datetime], *, run: int, now: datetime) -> None:
    """Have final buckets read once more: something else was told of the same time. In a transaction."""
    rows = _mine(owner).filter(start__in=starts, state__in=FINAL)
    kept = list(rows.values_list("start", "end", "control_total_ok"))
    rows.update(state=State.OPEN)
    CoverageChange.objects.bulk_create(
        CoverageChange(
            organization_id=owner.organization_id,
            source=owner.source,
            start=start,
            end=end,
            state=State.OPEN,
            control_total_ok=total_ok,
            seen_at=now,
            run=run,
        )
        for start, end, total_ok in kept
    )


def _were_final(owner: Owner, rows: Collection[Coverage]) -> set[datetime]:
    """Which of some buckets had been final before they could not be recorded."""
    if not rows:
        return set()
    changes = CoverageChange.objects.filter(organization=owner.organization_id, source=owner.source, state__in=FINAL)
    return set(changes.filter(start__in=[row.start for row in rows]).values_list("start", flat=True))


def _content(row: Coverage) -> tuple[object, ...]:
    values = (getattr(row, name) for name in CONTENT)
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in values)


def _note_equal(owner: Owner, reads: Sequence[Read], now: datetime) -> None:
    """Write down the spans that were just read, in place of older ones inside them.

    A bucket among them that changed was read as well, so it does not break a span; one that was not read does.
    """
    spans: list[tuple[datetime, datetime]] = []
    for read in sorted((one for one in reads if not one.is_part), key=lambda one: one.start):
        if spans and spans[-1][1] == read.start:
            spans[-1] = (spans[-1][0], read.end)
        else:
            spans.append((read.start, read.end))
    mine = EqualRead.objects.filter(organization=owner.organization_id, source=owner.source)
    for start, end in spans:
        if not mine.filter(start=start, end=end).update(read_at=now):
            mine.create(organization_id=owner.organization_id, source=owner.source, start=start, end=end, read_at=now)
        mine.filter(start__gte=start, end__lte=end).exclude(start=start, end=end).delete()


def _mine(owner: Owner) -> QuerySet[Coverage]:
    return Coverage.objects.filter(organization=owner.organization_id, source=owner.source)


def _next(old: Coverage | None, read: Read, owner: Owner, changed: bool, now: datetime, *, was_final: bool) -> Coverage:
    equal = old is not None and not changed and not read.kept
    first_read_at = old.first_read_at if old else now
    is_over = now >= read.end
    if read.rejected or (read.kept and is_over):
        state = State.INCONSISTENT
    elif was_final:
        # It could not be recorded for a while; what it says now is not what it had settled with.
        state = State.REVISED
    elif old and old.state in FINAL:
        state = State.REVISED if changed else State(old.state)
    elif (
        read.split is not None
        and (read.total_ok is not False or now - read.end >= COMPARED_FOR)
        and settles(end=read.end, now=now, first_read_at=first_read_at, equal_reads=2 if equal else 1)
    ):
        state = State.SETTLED
    else:
        state = State.OPEN
    whole_at = old.whole_at if old else None
    if whole_at is None and is_over and not read.is_part:
        whole_at = now
    known_total = None if old is None or changed else old.control_total_ok
    is_split = read.split is not None
    return Coverage(
        organization_id=owner.organization_id,
        source=owner.source,
        start=read.start,
        end=read.end,
        state=state,
        digest=read.digest,
        split_digest=read.split if read.split is not None else _kept_split(old, read),
        split_at=now if is_split else old.split_at if old else None,
        rejected=read.rejected,
        first_read_at=first_read_at,
        last_read_at=(old.last_read_at if old else read.start) if read.is_part else now,
        changed_at=now if changed or not old else old.changed_at,
        whole_at=whole_at,
        control_total_ok=known_total if read.total_ok is None else read.total_ok,
    )


def still_grows(old: Coverage, end: datetime, now: datetime) -> bool:
    """Whether a change of a bucket is growth that was to be expected: not read since its end, or open still."""
    return old.whole_at is None or (old.state == State.OPEN and now - end < SETTLES_AFTER)


def _kept_split(old: Coverage | None, read: Read) -> bytes:
    """What is known of a bucket's splitters after a read without them: nothing, once its base is another one."""
    return bytes(old.split_digest) if old and bytes(old.digest) == read.digest else b""
