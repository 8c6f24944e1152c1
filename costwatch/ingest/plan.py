"""What to read next, and why. Pure: states and times in, windows out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from costwatch.clock import DAY, HOUR, floor_day
from costwatch.upstream.pages import Window

SETTLES_AFTER = 6 * HOUR
SETTLES_WITH_ONE_READ_AFTER = 7 * DAY
# A total that differed is asked for again once an hour, for two days; then the bucket settles with that said.
COMPARED_FOR, COMPARED_EVERY = 2 * DAY, HOUR
# Ticks come a minute apart, never exactly: a read that is due in half a minute is due.
SLACK = timedelta(seconds=30)


class Why(StrEnum):
    """Why a bucket is read."""

    MISSING = "missing"
    RECENT = "recent"
    SETTLING = "settling"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a source's buckets are read again, by their age: (younger than, every), youngest first.

    `width` is the length of a bucket; `most` how many buckets one window may hold. Those of the first tier are recent.
    """

    width: timedelta
    most: int
    rereads: tuple[tuple[timedelta, timedelta], ...]

    def paced(self, share: float) -> "Cadence":
        """The same, with the newest buckets read `share` times as often."""
        (young, every), *others = self.rereads
        return replace(self, rereads=((young, every / share), *others))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one bucket that was read before.

    `is_open` says that another read may settle it; `differed` that its control total did not compare.
    """

    end: datetime
    is_open: bool
    last_read_at: datetime
    differed: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A window to read, and why. All its buckets are read for the same reason."""

    window: Window
    why: Why


def starts(since: datetime, until: datetime, width: timedelta) -> Iterable[datetime]:
    """The starts of the buckets of [since, until), newest first; the last may reach past `until`."""
    count = -((since - until) // width)
    return (since + width * index for index in range(count - 1, -1, -1))


def due(known: Mapping[datetime, Standing], *, since: datetime, now: datetime, cadence: Cadence) -> dict[datetime, Why]:
    """The buckets to read now, newest first: missing ones, those whose settling read is due, and those due again."""
    found = {}
    for start in starts(since, now, cadence.width):
        bucket = known.get(start)
        why = _why_unread(start + cadence.width, now, cadence) if bucket is None else _why(bucket, now, cadence)
        if why:
            found[start] = why
    return found


def polled(
    known: Mapping[datetime, Standing], *, since: datetime, now: datetime, cadence: Cadence
) -> dict[datetime, Why]:
    """The newest buckets whose poll is due, those to be settled among them: that may have to wait, a poll may not."""
    young = max(since, now - cadence.rereads[0][0] - cadence.width)
    begins = since + (young - since) // cadence.width * cadence.width
    seen = {start: replace(one, is_open=False) for start, one in known.items() if start >= begins}
    found = due(seen, since=begins, now=now, cadence=cadence)
    return {start: why for start, why in found.items() if why == Why.RECENT}


def _why_unread(end: datetime, now: datetime, cadence: Cadence) -> Why:
    return Why.RECENT if now - end < cadence.rereads[0][0] else Why.MISSING


def _why(bucket: Standing, now: datetime, cadence: Cadence) -> Why | None:
    age, unread_for = now - bucket.end, now - bucket.last_read_at
    if bucket.is_open and age >= SETTLES_AFTER and (not bucket.differed or unread_for >= COMPARED_EVERY - SLACK):
        return Why.SETTLING
    for younger_than, every in cadence.rereads:
        if age < younger_than:
            recent = younger_than == cadence.rereads[0][0]
            return (Why.RECENT if recent else Why.AGAIN) if unread_for >= every - SLACK else None
    return None


def windows(
    buckets: Mapping[datetime, Why], cadence: Cadence, most: Callable[[Why], int] | None = None
) -> list[Planned]:
    """Contiguous windows over some buckets, newest first, none longer than `most` for its reason allows.

    A window ends at a UTC midnight rather than inside a day: a day is recorded and rolled up once.
    """
    made: list[Planned] = []
    for start in sorted(buckets, reverse=True):
        why = buckets[start]
        last = made[-1] if made else None
        room = most(why) if most else cadence.most
        if last and last.why == why and _joins(last, start, cadence) and not _full(last, cadence, room):
            made[-1] = Planned(Window(start, last.window.end), why)
        else:
            made.append(Planned(Window(start, start + cadence.width), why))
    return made


def _joins(last: Planned, start: datetime, cadence: Cadence) -> bool:
    """Whether a bucket goes into a window behind it: of polls and what settles, what lies between is read as well."""
    return last.window.start == start + cadence.width or (
        last.why in (Why.RECENT, Why.SETTLING) and last.window.end - start <= cadence.width * cadence.most
    )


def _full(last: Planned, cadence: Cadence, most: int) -> bool:
    start, end = last.window.start, last.window.end
    room = cadence.width * most - (end - start)
    return room < (DAY if start == floor_day(start) else cadence.width)


def settles(*, end: datetime, now: datetime, first_read_at: datetime, equal_reads: int) -> bool:
    """Whether a bucket is settled by a read at `now`: six hours over and two equal reads, or first read a week late."""
    if now < end + SETTLES_AFTER:
        return False
    return equal_reads >= 2 or first_read_at >= end + SETTLES_WITH_ONE_READ_AFTER
