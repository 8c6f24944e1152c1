"""When a line will reach its limit at the trend of its daily peaks. Pure, exact fractions.

The trend is a Theil-Sen slope over pairs of days that are whole weeks apart: a weekday is compared with itself alone,
and a few odd days do not move the middle of all pairs. It says what happens if things go on as they did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations
from statistics import median, median_low

WINDOW_DAYS = 28
FEWEST_DAYS = 7
FEWEST_PAIRS = 5
HORIZON_DAYS = 365


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak minute of one day that had usage, and the limit of that day. Units: as the limiter's."""

    day: date
    peak: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Where the peaks of a line stand beside its limit today, and when they reach it if they go on as they did.

    Units: `level`, `limit` and `slope` as the limiter's, the slope a day; days from today, rounded up, None where the
    limit is not reached within a year. `level` is what the peak of a busy weekday would be today: the median of the
    busy days' peaks, each brought forward along the slope, so a single high day is not in it. `earliest` and `latest`
    take the largest and the least slope without the outer tenth on either side. `days_known` are the busy days it is
    made of, and `days_at_limit` those whose peak had come to the limit of its day: what was refused then is in no
    report, so with any of them the trend is a lower bound.
    """

    today: date
    limit: int
    level: Fraction
    slope: Fraction
    earliest: int | None
    middle: int | None
    latest: int | None
    days_known: int
    days_at_limit: int

    @property
    def share(self) -> Fraction:
        """The level as a share of the limit."""
        return self.level / self.limit

    @property
    def already(self) -> bool:
        """Whether the level is at or above the limit today."""
        return self.level >= self.limit

    @property
    def points_a_day(self) -> Fraction:
        """The change in a day. Units: percentage points of the limit."""
        return self.slope * 100 / self.limit

    @property
    def percent_a_day(self) -> Fraction | None:
        """The change in a day. Units: per cent of the level; None where that is nothing."""
        return self.slope * 100 / self.level if self.level else None

    @property
    def dates(self) -> tuple[date | None, date | None, date | None]:
        """The days on which the limit is reached: earliest, middle, latest."""
        earliest, middle, latest = (
            None if days is None else self.today + timedelta(days=days)
            for days in (self.earliest, self.middle, self.latest)
        )
        return earliest, middle, latest


def trend(peaks: Iterable[Peak], limit: int | None, today: date) -> Trend | None:
    """The trend of the 28 whole days before today, held against the limit in force now.

    Shape: at most one peak a day, a day without usage has none; None without a limit above 0, with fewer than seven
    days that had usage, or with fewer than five pairs of busy days that are whole weeks apart.
    """
    since = today - timedelta(days=WINDOW_DAYS)
    known = sorted((one for one in peaks if since <= one.day < today and one.peak > 0), key=lambda one: one.day)
    if not limit or len(known) < FEWEST_DAYS:
        return None
    busy = _busy(known)
    slopes = sorted(
        Fraction(later.peak - one.peak, (later.day - one.day).days)
        for one, later in combinations(busy, 2)
        if one.day.weekday() == later.day.weekday()
    )
    if len(slopes) < FEWEST_PAIRS:
        return None
    slope, outside = median(slopes), len(slopes) // 10
    level = max(Fraction(0), median(one.peak + slope * (today - one.day).days for one in busy))
    return Trend(
        today=today,
        limit=limit,
        level=level,
        slope=slope,
        earliest=_days(level, slopes[-1 - outside], limit),
        middle=_days(level, slope, limit),
        latest=_days(level, slopes[outside], limit),
        days_known=len(busy),
        days_at_limit=sum(one.limit is not None and one.peak >= one.limit for one in busy),
    )


def _busy(known: Sequence[Peak]) -> list[Peak]:
    """The days of the weekdays that carry the peak: the limit is met on those, and quiet weekends would hide a rise."""
    usual = {
        weekday: median_low([one.peak for one in known if one.day.weekday() == weekday])
        for weekday in {one.day.weekday() for one in known}
    }
    top = max(usual.values())
    return [one for one in known if 2 * usual[one.day.weekday()] >= top]


def _days(level: Fraction, slope: Fraction, limit: int) -> int | None:
    if level >= limit:
        return 0
    if slope <= 0:
        return None
    days = -((level - limit) // slope)
    return days if days <= HORIZON_DAYS else None
