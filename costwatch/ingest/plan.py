"""What to read next. Pure: states and times in, windows out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from costwatch.clock import DAY, HOUR, floor_day
from costwatch.upstream.pages import Window

SETTLES_AFTER = 6 * HOUR
SETTLES_WITH_ONE_READ_AFTER = 7 * DAY


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a source's buckets are read again, by their age: (younger than, every), youngest first.

    `width` is the length of a bucket; `most` how many buckets one window may hold.
    """

    width: timedelta
    most: int
    rereads: tuple[tuple[timedelta, timedelta], ...]


USAGE = Cadence(HOUR, 168, ((2 * DAY, HOUR / 12), (7 * DAY, 6 * HOUR), (35 * DAY, DAY), (90 * DAY, 30 * DAY)))
COST = Cadence(DAY, 31, ((7 * DAY, HOUR), (35 * DAY, DAY), (90 * DAY, 30 * DAY)))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one bucket that was read before; `is_open` says that another equal read may settle it."""

    end: datetime
    is_open: bool
    last_read_at: datetime


def starts(since: datetime, until: datetime, width: timedelta) -> Iterable[datetime]:
    """The starts of the buckets of [since, until), newest first; the last may reach past `until`."""
    count = -((since - until) // width)
    return (since + width * index for index in range(count - 1, -1, -1))


def due(known: Mapping[datetime, Standing], *, since: datetime, now: datetime, cadence: Cadence) -> list[datetime]:
    """The buckets to read now, newest first: missing ones, those whose settling read is due, and those due again."""
    return [
        start
        for start in starts(since, now, cadence.width)
        if start not in known or _is_due(known[start], now, cadence)
    ]


def _is_due(bucket: Standing, now: datetime, cadence: Cadence) -> bool:
    age = now - bucket.end
    if bucket.is_open and age >= SETTLES_AFTER:
        return True
    for younger_than, every in cadence.rereads:
        if age < younger_than:
            return now - bucket.last_read_at >= every
    return False


def windows(buckets: Iterable[datetime], cadence: Cadence) -> list[Window]:
    """Contiguous windows over some buckets, newest first, none longer than one request answers.

    A window ends at a UTC midnight rather than inside a day: a day is recorded and rolled up once.
    """
    made: list[Window] = []
    for start in sorted(buckets, reverse=True):
        last = made[-1] if made else None
        if last and last.start == start + cadence.width and not _is_full(last, cadence):
            made[-1] = Window(start, last.end)
        else:
            made.append(Window(start, start + cadence.width))
    return made


def _is_full(window: Window, cadence: Cadence) -> bool:
    room = cadence.width * cadence.most - (window.end - window.start)
    return room < (DAY if window.start == floor_day(window.start) else cadence.width)


def settles(*, end: datetime, now: datetime, first_read_at: datetime, equal_reads: int) -> bool:
    """Whether a bucket is settled by a read at `now`: six hours over and two equal reads, or first read a week late."""
    if now < end + SETTLES_AFTER:
        return False
    return equal_reads >= 2 or first_read_at >= end + SETTLES_WITH_ONE_READ_AFTER
