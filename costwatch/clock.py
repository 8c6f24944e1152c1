"""Business time. Everything that decides by the calendar asks here, so that one variable can freeze it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

VARIABLE = "COSTWATCH_NOW"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def now() -> datetime:
    """The business time: the machine's clock, or the time `COSTWATCH_NOW` freezes it at.

    Shape: aware UTC. Raises: ValueError when the variable is not an RFC 3339 time.
    """
    frozen = os.environ.get(VARIABLE)
    return parse(frozen) if frozen else datetime.now(UTC)


def is_frozen() -> bool:
    """Whether business time stands still."""
    return bool(os.environ.get(VARIABLE))


def today() -> date:
    """The UTC day of `now()`."""
    return now().date()


@contextmanager
def frozen(moment: datetime | str) -> Iterator[datetime]:
    """Freeze business time inside a block, for tests and demos."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = moment if isinstance(moment, str) else rfc3339(moment)
    try:
        yield now()
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def parse(text: str) -> datetime:
    """Read an RFC 3339 time with a zone.

    Shape: aware UTC. Raises: ValueError naming the text.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-11-19T14:05:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write it in UTC, such as 2026-11-19T14:05:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is outside the years 1 to 9999") from None


def day(text: str) -> date:
    """Read a day written as YYYY-MM-DD, and in no other way. Raises: ValueError naming the text."""
    try:
        found = date.fromisoformat(text)
        if found.isoformat() == text:
            return found
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day such as 2026-11-01")


def rfc3339(moment: datetime) -> str:
    """Print a time as RFC 3339 UTC, without a fraction when it has none."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def midnight(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def floor_hour(moment: datetime) -> datetime:
    """The start of the UTC hour that holds a moment."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def floor_day(moment: datetime) -> datetime:
    """The start of the UTC day that holds a moment."""
    return floor_hour(moment).replace(hour=0)


def month_start(day: date) -> date:
    """The first day of the month that holds a day."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after the one that holds a day."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
