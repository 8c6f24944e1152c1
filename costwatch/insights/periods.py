"""The range a page shows and what it is compared with. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from costwatch import clock
from costwatch.insights.query import BadQuestion

DAY = timedelta(days=1)
COMPARISONS = ("same_days", "previous", "none")
MOST_DAYS = 400
FOUR_WEEKS = 28 * DAY


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open range of UTC days. `is_month` says that it is one whole calendar month."""

    since: date
    until: date

    @property
    def days(self) -> list[date]:
        return [self.since + DAY * index for index in range((self.until - self.since).days)]

    @property
    def is_month(self) -> bool:
        return self.since.day == 1 and self.until == clock.next_month(self.since)

    def up_to(self, day: date) -> "Period":
        """The part of the period before a day; at least one day."""
        return Period(self.since, max(min(self.until, day), self.since + DAY))


def month(day: date) -> Period:
    """The calendar month that holds a day."""
    return Period(clock.month_start(day), clock.next_month(day))


def presets(today: date) -> dict[str, Period]:
    """The ranges one click away."""
    tomorrow = today + DAY
    return {
        "this-month": month(today),
        "last-month": month(clock.month_start(today) - DAY),
        "last-7-days": Period(tomorrow - 7 * DAY, tomorrow),
        "last-30-days": Period(tomorrow - 30 * DAY, tomorrow),
        "last-90-days": Period(tomorrow - 90 * DAY, tomorrow),
        "this-year": Period(date(today.year, 1, 1), tomorrow),
    }


def parse(*, name: str, since: str, until: str, today: date) -> Period:
    """The period of a page's address. `until` is inclusive there: people name the last day they mean.

    Raises: BadQuestion.
    """
    if since or until:
        try:
            first, last = clock.day(since), clock.day(until)
        except ValueError:
            raise BadQuestion("a custom range needs a first and a last day, such as 2026-11-01") from None
        if first > last:
            raise BadQuestion("the range ends before it starts")
        if (last - first).days >= MOST_DAYS:
            raise BadQuestion(f"a range may have at most {MOST_DAYS} days")
        if first.year < 2000 or last.year > 2200:
            raise BadQuestion("the range lies outside the years 2000 to 2200")
        return Period(first, last + DAY)
    if name and name not in presets(today):
        raise BadQuestion(f"there is no range named {name!r}")
    return presets(today)[name or "this-month"]


def comparison(period: Period, how: str) -> str:
    """What a comparison is for a period: the usual one depends on how long the period is.

    Shape: same_days (of the month before), four_weeks (before), previous, or none.
    """
    if how != "same_days" or period.is_month:
        return how
    return "four_weeks" if period.until - period.since <= FOUR_WEEKS else "previous"


def compared(period: Period, part: Period, how: str) -> Period | None:
    """What a part of a period is compared with: the same days last month, four weeks before, just before, or nothing.

    The 31st has no counterpart in a shorter month: the comparison then ends with that month.
    """
    found = comparison(period, how)
    if found == "none":
        return None
    if found == "four_weeks":
        return Period(part.since - FOUR_WEEKS, part.until - FOUR_WEEKS)
    if found == "same_days":
        before = month(clock.month_start(part.since) - DAY)
        return Period(before.since, min(before.since + (part.until - part.since), before.until))
    length = part.until - part.since
    return Period(part.since - length, part.since)
