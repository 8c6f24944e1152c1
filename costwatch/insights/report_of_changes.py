"""The report `changes`: what became of figures that were known before."""

from dataclasses import replace
from typing import Any

from costwatch import clock
from costwatch.insights import cells
from costwatch.insights.changes import COST, Change, changes
from costwatch.insights.query import BadQuestion, Query, period_name
from costwatch.ledger.models import COUNTS
from pricing.money import format_usd

COLUMNS = (
    "period",
    "source",
    "why",
    "first_seen",
    "last_seen",
    "rows",
    "reported_usd",
    "list_low_usd",
    "list_high_usd",
    *COUNTS,
)
Json = dict[str, Any]


def rows_and_totals(query: Query) -> tuple[list[Json], Json]:
    """The rows, oldest period first, and their sums. `as_of` asks for what changed after that time.

    Raises: BadQuestion for a grouping, a filter other than the organization, or hours.
    """
    if query.group_by or set(query.filters) - {"organization_id"}:
        raise BadQuestion("changes has a grouping of its own, and can only be filtered by organization_id")
    if query.interval == "hour":
        raise BadQuestion("changes are told by the day or longer")
    organizations = cells.organizations(replace(query, as_of=None))
    found = changes(organizations, query.since, query.until, cells.prices_of(query), query.as_of)
    together: dict[tuple[str, str, str], Change] = {}
    for one in found:
        key = (period_name(one.day, query.interval), one.source, one.why)
        if key in together:
            _add(together[key], one)
        else:
            together[key] = replace(one, counts=[*one.counts])
    rows = [_row(period, one) for (period, _, _), one in sorted(together.items())]
    totals = Change("", query.since, "", clock.now(), clock.now())
    for one in found:
        _add(totals, one)
    return rows, {name: value for name, value in _row("", totals).items() if name == "rows" or name in COLUMNS[6:]}


def _add(sums: Change, one: Change) -> None:
    sums.first_seen, sums.last_seen = min(sums.first_seen, one.first_seen), max(sums.last_seen, one.last_seen)
    sums.rows += one.rows
    sums.counts = [before + count for before, count in zip(sums.counts, one.counts, strict=True)]
    sums.list_low += one.list_low
    sums.list_high += one.list_high
    sums.reported += one.reported


def _row(period: str, one: Change) -> Json:
    is_cost = one.source in (COST, "")
    return {
        "period": period,
        "source": one.source,
        "why": one.why,
        "first_seen": clock.rfc3339(one.first_seen),
        "last_seen": clock.rfc3339(one.last_seen),
        "rows": one.rows,
        "reported_usd": format_usd(one.reported) if is_cost else None,
        "list_low_usd": None if one.source == COST else format_usd(one.list_low),
        "list_high_usd": None if one.source == COST else format_usd(one.list_high),
        **dict(zip(COUNTS, one.counts, strict=True)),
    }
