"""Which rows answer a question: whole months from the month rollups, whole days from the day rollups."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Model, QuerySet

from costwatch import clock
from costwatch.insights.query import Query


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a question's range that one table answers, [since, until).

    Shape: `grain` is the moment's column there, day or month; `by` is that column where the answer is to be divided by
    it, empty where one sum over the piece will do.
    """

    grain: str
    since: date
    until: date
    by: str = ""

    def of(self, days: type[Model], months: type[Model]) -> QuerySet[Any]:
        """The rows of the piece."""
        rows = (days if self.grain == "day" else months)._default_manager
        return rows.filter(**{f"{self.grain}__gte": self.since, f"{self.grain}__lt": self.until})


def pieces(query: Query, stale: Collection[date] = ()) -> Iterator[Piece]:
    """The pieces of a question, oldest first. A stale month's own rows do not count: its days are read."""
    if query.interval not in ("month", "total"):
        yield Piece("day", query.since, query.until, by="day")
        return
    by_month = query.interval == "month"
    months: Piece | None = None
    start = query.since
    while start < query.until:
        end = min(clock.next_month(start), query.until)
        is_whole = start.day == 1 and end == clock.next_month(start) and start not in stale
        if is_whole and months and months.until == start:
            months = Piece("month", months.since, end, months.by)
        else:
            if months:
                yield months
            months = Piece("month", start, end, "month" if by_month else "") if is_whole else None
            if not is_whole:
                yield Piece("day", start, end)
        start = end
    if months:
        yield months
