"""One figure a day or an hour: what the small pictures and the marks of a comparison are made of."""

from datetime import date, datetime, timedelta

from costwatch.insights import cells
from costwatch.insights.amounts import Scope
from costwatch.insights.periods import Period
from costwatch.insights.query import Query

DAY = timedelta(days=1)


def totals_by_day(scope: Scope, period: Period | None) -> dict[date, int]:
    """The cost report's total of each day that has one."""
    sums: dict[date, int] = {}
    if period and period.since < period.until:
        for line in cells.reported_cells(Query(period.since, period.until, "day", (), scope.filters)):
            sums[line.day] = sums.get(line.day, 0) + line.amount
    return sums


def hours(scope: Scope, day: date) -> list[int]:
    """One day at the organization's rates, hour by hour from midnight, as far as there is usage; low bounds."""
    query = Query(day, day + DAY, "hour", (), scope.filters)
    sums: dict[int, int] = {}
    for cell in cells.usage_cells(query, cells.prices_of(query)):
        if isinstance(cell.moment, datetime):
            sums[cell.moment.hour] = sums.get(cell.moment.hour, 0) + cell.contracted_low
    return [sums.get(hour, 0) for hour in range(max(sums, default=-1) + 1)]
