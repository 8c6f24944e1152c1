"""How large an answer would be at least, counted before it is made and no further than anybody needs to know."""

from django.db.models import QuerySet

from costwatch.insights.cells import GROUP_DIMENSIONS, column, filtered
from costwatch.insights.query import METER_DIMENSIONS, Query
from costwatch.ledger.models import GroupDay, SeriesDay


def days_of_values(query: Query, up_to: int) -> int:
    """On how many days the values that a question groups by have usage: that many amounts are read for it.

    By the hour or the day an answer has no fewer rows. Counting ends at `up_to`; 0 where nothing is grouped, or where
    the month rollups answer.
    """
    dimensions = [name for name in query.group_by if name not in METER_DIMENSIONS]
    by_months = query.interval in ("month", "total") and not query.by_meter and query.as_of is None
    if not dimensions or by_months:
        return 0
    owner = "group" if query.dimensions - set(METER_DIMENSIONS) <= GROUP_DIMENSIONS else "series"
    rows: QuerySet[GroupDay | SeriesDay] = (GroupDay if owner == "group" else SeriesDay).objects.filter(
        day__gte=query.since, day__lt=query.until
    )
    named = [column(name, owner) for name in dimensions]
    found = filtered(rows, query, owner).values_list("day", *named).distinct()
    return found[:up_to].count()
