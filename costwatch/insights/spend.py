"""Spend for pages: what was reported, what has come since, by workspace, model or token kind, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from costwatch import clock
from costwatch.insights import cells, forecast, freshness, periods
from costwatch.insights.amounts import (
    Bounds,
    Scope,
    bounds_of,
    contracted,
    contracted_by,
    reported,
    reported_by,
    reported_by_day,
    usage,
    value_of,
)
from costwatch.insights.display import divided
from costwatch.insights.periods import Period

DAY = timedelta(days=1)
FORECAST_LOOKS_BACK = 35 * DAY
BREAKDOWNS = ("workspace", "model", "token_type")
_DIMENSIONS = {"workspace": "workspace_id", "model": "model", "token_type": "token_type"}


@dataclass(frozen=True, slots=True)
class Spend:
    """The figures of a period: reported up to a day, at your rates since, a forecast, and a comparison.

    `reported_until` is exclusive: the first day the cost report does not cover whole. `since_through` is how far the
    usage of the days after it goes, None where none is read. `compared` is None also where days of either side are
    not all read; `unread_days` counts the days before today that are in no figure. `reads_cost` is False where the
    key may not read the cost report; everything is then at your rates.
    """

    period: Period
    reads_cost: bool
    reported: int
    reported_until: date
    since_then: Bounds
    since_through: datetime | None
    forecast: forecast.Forecast | None
    compared: Period | None
    compared_reported: int
    days_settled: int
    days_open: int
    unread_days: int = 0

    @property
    def knows_reported(self) -> bool:
        return self.reads_cost and self.reported_days > 0

    @property
    def knows_since(self) -> bool:
        return self.since_through is not None

    @property
    def reported_days(self) -> int:
        return max(0, (min(self.reported_until, self.period.until) - self.period.since).days)

    @property
    def delta(self) -> int:
        return self.reported - self.compared_reported

    @property
    def day_average(self) -> int | None:
        """Reported a day, over the days reported."""
        return divided(self.reported, self.reported_days) if self.reported_days else None


@dataclass(frozen=True, slots=True)
class Stack:
    """Daily amounts by the values of one dimension, in pico-dollars.

    Shape: `reported` maps (day, value) for whole reported days; `since` maps (day, value) to bounds for the days after.
    A reported line without a value of the dimension goes under its cost type, such as `(web_search)`. Nothing is known
    of `unread` days.
    """

    breakdown: str
    period: Period
    reported_until: date
    reported: Mapping[tuple[date, str], int]
    since: Mapping[tuple[date, str], Bounds]
    unread: frozenset[date] = frozenset()

    def totals(self) -> dict[str, int]:
        """What each value comes to over the period; days after the report at their low bound."""
        sums: dict[str, int] = {}
        for (_, value), amount in self.reported.items():
            sums[value] = sums.get(value, 0) + amount
        for (_, value), bounds in self.since.items():
            sums[value] = sums.get(value, 0) + bounds.low
        return sums


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: a value's reported amount, its comparison, and what has come since.

    Shape: six token counts over the period; amounts in pico-dollars. `forecast` is None where there is too little.
    """

    value: str
    reported: int
    compared: int
    since_then: Bounds
    forecast: forecast.Forecast | None
    counts: tuple[int, ...]
    contracted: Bounds


def spend(scope: Scope, period: Period, how: str = "same_days") -> Spend:
    """The figures of a period."""
    reads_cost = bool(freshness.readable(scope.organization, ["cost"]))
    until = freshness.reported_until(scope.organization, period) if reads_cost else period.since
    known = Period(period.since, until) if until > period.since else None
    gaps = freshness.unread_days(scope.organization, "cost", known) if known else frozenset()
    unread = gaps | freshness.unread_days(scope.organization, "usage", Period(until, min(period.until, clock.today())))
    other = periods.compared(period, known, how) if known and not gaps else None
    if other and not freshness.is_read(scope.organization, "cost", other):
        other = None
    settled, opened = freshness.settled_days(scope.organization, "cost", period)
    return Spend(
        period=period,
        reads_cost=reads_cost,
        reported=reported(scope, known),
        reported_until=until,
        since_then=contracted(scope, Period(until, period.until)) if until < period.until else Bounds(),
        since_through=freshness.usage_through(scope.organization, Period(until, period.until)),
        forecast=_forecast(scope, period, until) if reads_cost and not gaps else None,
        compared=other,
        compared_reported=reported(scope, other),
        days_settled=settled,
        days_open=opened,
        unread_days=len(unread),
    )


def stack(scope: Scope, period: Period, breakdown: str) -> Stack:
    """Daily amounts by workspace, model or token kind."""
    dimension = _DIMENSIONS[breakdown]
    reads_cost = bool(freshness.readable(scope.organization, ["cost"]))
    until = freshness.reported_until(scope.organization, period) if reads_cost else period.since
    by_day = reported_by_day(scope, Period(period.since, until), dimension) if until > period.since else {}
    since: dict[tuple[date, str], Bounds] = {}
    if until < period.until:
        for cell in usage(scope, Period(until, period.until), (dimension,)):
            key = (_day(cell), value_of(cell, dimension))
            since[key] = since.get(key, Bounds()) + bounds_of(cell)
    unread = freshness.unread_days(scope.organization, "cost", Period(period.since, until))
    unread |= freshness.unread_days(scope.organization, "usage", Period(until, period.until))
    return Stack(breakdown, period, until, by_day, since, unread)


def lines(scope: Scope, figures: Spend, dimension: str) -> list[Line]:
    """One line a value of a dimension, by reported amount; the lines sum to the figures exactly."""
    period, until = figures.period, figures.reported_until
    totals = reported_by(scope, Period(period.since, until), dimension) if until > period.since else {}
    before = reported_by(scope, figures.compared, dimension) if figures.compared else {}
    since = contracted_by(scope, Period(until, period.until), dimension) if until < period.until else {}
    forecasts = _forecasts(scope, period, until, dimension) if figures.forecast else {}
    counts: dict[str, list[int]] = {}
    whole: dict[str, Bounds] = {}
    for cell in usage(scope, period, (dimension,), "total"):
        value = value_of(cell, dimension)
        sums = counts.setdefault(value, [0] * 6)
        for index, count in enumerate(cell.counts):
            sums[index] += count
        whole[value] = whole.get(value, Bounds()) + bounds_of(cell)
    made = [
        Line(
            value,
            totals.get(value, 0),
            before.get(value, 0),
            since.get(value, Bounds()),
            forecasts.get(value),
            tuple(counts.get(value, [0] * 6)),
            whole.get(value, Bounds()),
        )
        for value in {*totals, *before, *since, *counts}
    ]
    return sorted(made, key=lambda line: (-line.reported, -line.since_then.low, -line.compared, line.value))


def _forecast(scope: Scope, period: Period, until: date) -> forecast.Forecast | None:
    return _forecasts(scope, period, until, "").get("")


def _forecasts(scope: Scope, period: Period, until: date, dimension: str) -> dict[str, forecast.Forecast]:
    """A forecast by value, where the period is a month that is not over. The day under way counts as one to come."""
    if not period.is_month or until >= period.until or period.since > clock.today():
        return {}
    first = min(until - FORECAST_LOOKS_BACK, period.since)
    history: dict[str, dict[date, int]] = {}
    days: set[date] = set()
    for (day, value), amount in reported_by_day(scope, Period(first, until), dimension or "workspace_id").items():
        of_value = history.setdefault(value if dimension else "", {})
        of_value[day] = of_value.get(day, 0) + amount
        days.add(day)
    to_come = Period(max(until, period.since), period.until).days
    made: dict[str, forecast.Forecast] = {}
    for value, amounts in history.items():
        known = sum(amount for day, amount in amounts.items() if day >= period.since)
        whole = {day: amounts.get(day, 0) for day in days}
        one = forecast.forecast(known=known, history=whole, to_come=to_come)
        if one:
            made[value] = one
    return made


def _day(cell: cells.Cell) -> date:
    return cell.moment.date() if isinstance(cell.moment, datetime) else cell.moment
