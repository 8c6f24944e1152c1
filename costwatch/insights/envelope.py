"""What every report says of itself: the question, how far the data goes, whether it is complete."""

from collections.abc import Sequence
from typing import Any

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights import freshness
from costwatch.insights.query import Query, period_span
from pricing.table import PriceTable

Json = dict[str, Any]


def envelope(
    name: str, query: Query, organizations: Sequence[Organization], table: PriceTable, sources: Sequence[str]
) -> Json:
    """The head of a report; its rows and totals are added."""
    known = freshness.freshness(organizations, sources, query.start, query.end, query.as_of)
    return {
        "report": name,
        "since": query.since.isoformat(),
        "until": query.until.isoformat(),
        "interval": query.interval,
        "group_by": list(query.group_by),
        "filters": {key: values[0] if len(values) == 1 else list(values) for key, values in query.filters.items()},
        "currency": "USD",
        "data_through": clock.rfc3339(known.through) if known.through else None,
        "complete": known.complete,
        "price_version": table.version,
    }


def is_partial(period: str, query: Query, through: str | None) -> bool:
    """Whether an interval is clipped by the range, or reaches past the data."""
    start, end = period_span(period, query.interval, query)
    if start < query.start or end > query.end:
        return True
    return through is None or end > clock.parse(through)
