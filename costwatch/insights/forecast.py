"""What a month will come to, by run rate. Pure, whole pico-dollars.

Each day that is left is taken as the average of the same weekday in the four weeks before; the bounds take the two
lowest and the two highest of them. No trend is assumed: it says what happens if things go on as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEKS = 4
FEWEST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Day:
    """One day to come, in pico-dollars."""

    day: date
    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """A period's total, in pico-dollars: what is known plus the days to come."""

    low: int
    middle: int
    high: int
    days: tuple[Day, ...]


def forecast(*, known: int, history: Mapping[date, int], to_come: Sequence[date]) -> Forecast | None:
    """The total of a period: `known` for the days that are over, run rate for those to come.

    Shape: `history` holds whole past days, a missing one counts as no spend once it lies between others; None with
    fewer than seven days of history.
    """
    if len(history) < FEWEST_DAYS:
        return None
    last, first = max(history), min(history)
    days = []
    for day in to_come:
        alike = sorted(history.get(past, 0) for past in _same_weekdays(day, first, last))
        if not alike:
            alike = sorted(history.values())
        some = min(2, len(alike))
        days.append(Day(day, sum(alike[:some]) // some, sum(alike) // len(alike), sum(alike[-some:]) // some))
    return Forecast(
        known + sum(day.low for day in days),
        known + sum(day.middle for day in days),
        known + sum(day.high for day in days),
        tuple(days),
    )


def _same_weekdays(day: date, first: date, last: date) -> list[date]:
    """The newest four days of a weekday that lie in the history."""
    back = last - timedelta(days=(last.weekday() - day.weekday()) % 7)
    return [back - timedelta(days=7 * week) for week in range(WEEKS) if back - timedelta(days=7 * week) >= first]
