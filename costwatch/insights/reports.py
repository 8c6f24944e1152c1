"""The reports people script against: one function a report, the same JSON for the command line and the API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from costwatch import clock
from costwatch.directory.history import names_at
from costwatch.directory.kinds import API_KEYS, WORKSPACES
from costwatch.directory.models import CONSOLE_KEY, DEFAULT_WORKSPACE, Organization
from costwatch.ingest.models import Run
from costwatch.insights import cells, freshness, report_of_changes
from costwatch.insights.envelope import Json, envelope, is_partial
from costwatch.insights.limits import report as limits_report
from costwatch.insights.query import BadQuestion, Query, period_name
from costwatch.ledger.models import COUNTS, MONEY
from pricing.calculate import charge_by_meter
from pricing.money import format_usd


@dataclass(slots=True)
class _Sums:
    """What one row of a report adds up to."""

    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    money: list[int] = field(default_factory=lambda: [0] * len(MONEY))
    unpriced_tokens: int = 0
    reported: int = 0

    def add(self, cell: cells.Cell) -> None:
        for index, count in enumerate(cell.counts):
            self.counts[index] += count
        amounts = (cell.list_low, cell.list_high, cell.contracted_low, cell.contracted_high)
        for index, amount in enumerate(amounts):
            self.money[index] += amount
        self.unpriced_tokens += cell.unpriced_tokens

    @property
    def is_empty(self) -> bool:
        return not any(self.counts) and not any(self.money) and not self.reported

    def amounts(self) -> Json:
        """The money of a row or of the totals: a single figure only where low and high agree."""
        list_low, list_high, low, high = self.money
        return {
            "list_usd": format_usd(list_low) if list_low == list_high else None,
            "list_low_usd": format_usd(list_low),
            "list_high_usd": format_usd(list_high),
            "contracted_usd": format_usd(low) if low == high else None,
            "contracted_low_usd": format_usd(low),
            "contracted_high_usd": format_usd(high),
            "unpriced_tokens": self.unpriced_tokens,
        }


MONEY_COLUMNS = frozenset({"reported_usd", *_Sums().amounts()})
UNPRICED_COLUMNS = ("period", "partial", "model", "service_tier", "meter", "reason", "quantity")
COVERAGE_COLUMNS = (
    "source",
    "organization_id",
    "since",
    "until",
    "state",
    "control_total_ok",
    "last_success",
    "last_error",
)


def report(name: str, query: Query) -> Json:
    """A report by name.

    Shape: the JSON of interfaces: range, rows, totals, how far the data goes. Raises: BadQuestion.
    """
    if name not in REPORTS:
        raise BadQuestion(f"there is no report {name!r}; choose from {', '.join(REPORTS)}")
    return REPORTS[name](query)


def spend(query: Query) -> Json:
    """What was spent: reported, at list and at the organization's rates, with the counts behind it."""
    return _spend("spend", query)


def usage(query: Query) -> Json:
    """What was used: the rows of `spend` without money."""
    made = _spend("usage", query)
    made["rows"] = [{key: value for key, value in row.items() if key not in MONEY_COLUMNS} for row in made["rows"]]
    made["totals"] = {count: made["totals"][count] for count in COUNTS}
    return made


def _spend(name: str, query: Query) -> Json:
    organizations = cells.organizations(query)
    table = cells.prices_of(query)
    has_cost = name == "spend" and _reads_cost(organizations, query.as_of)
    rows: dict[tuple[str, ...], _Sums] = {}
    totals = _Sums()
    for cell in cells.usage_cells(query, table):
        rows.setdefault((period_name(cell.moment, query.interval), *cell.dims), _Sums()).add(cell)
        totals.add(cell)
    if has_cost and query.rows_have_reported:
        for line in cells.reported_cells(query):
            rows.setdefault((period_name(line.day, query.interval), *line.dims), _Sums()).reported += line.amount
    if has_cost and query.totals_have_reported:
        totals.reported = sum(line.amount for line in cells.reported_cells(query, grouped=False))
    asks_cost = has_cost and (query.rows_have_reported or query.totals_have_reported)
    sources = ("usage", "cost") if asks_cost else ("usage",)
    made = envelope(name, query, organizations, table, sources)
    made["rows"] = [
        _row(key, sums, query, made["data_through"], has_cost and query.rows_have_reported, names)
        for names in [_Names(organizations, query.as_of)]
        for key, sums in sorted(rows.items())
        if not sums.is_empty
    ]
    made["totals"] = {
        "reported_usd": format_usd(totals.reported) if has_cost and query.totals_have_reported else None,
        **totals.amounts(),
        **dict(zip(COUNTS, totals.counts, strict=True)),
    }
    if name == "spend":
        others = cells.other_currencies(query) if has_cost and query.totals_have_reported else {}
        if others:
            made["other_currencies"] = {currency: format_usd(amount) for currency, amount in sorted(others.items())}
    return made


def _row(
    key: tuple[str, ...], sums: _Sums, query: Query, through: str | None, has_reported: bool, names: "_Names"
) -> Json:
    row: Json = {"period": key[0], "partial": is_partial(key[0], query, through)}
    for name, value in zip(query.group_by, key[1:], strict=True):
        row[name] = value
        if name == "workspace_id":
            row["workspace_name"] = names.workspace(value)
        elif name == "api_key_id":
            row["api_key_name"] = names.api_key(value)
    row["reported_usd"] = format_usd(sums.reported) if has_reported else None
    return row | sums.amounts() | dict(zip(COUNTS, sums.counts, strict=True))


def unpriced(query: Query) -> Json:
    """Quantities without a price in force, with the reason.

    Raises: BadQuestion for a grouping: this report has its own.
    """
    _refuse_grouping("unpriced", query)
    organizations = cells.organizations(query)
    table = cells.prices_of(query)
    sums: dict[tuple[str, ...], int] = {}
    for moment, (model, *qualifiers), counts in cells.usage_counts(query):
        day = moment.date() if isinstance(moment, datetime) else moment
        for made in charge_by_meter(table.resolve(model, day, *qualifiers), counts):
            if made.reason and cells.is_wanted(made.meter, query):
                key = (period_name(moment, query.interval), model, qualifiers[0], made.meter, made.reason)
                sums[key] = sums.get(key, 0) + made.quantity
    made_report = envelope("unpriced", query, organizations, table, ("usage",))
    made_report["rows"] = [
        {
            "period": period,
            "partial": is_partial(period, query, made_report["data_through"]),
            "model": model,
            "service_tier": tier,
            "meter": meter,
            "reason": reason,
            "quantity": quantity,
        }
        for (period, model, tier, meter, reason), quantity in sorted(sums.items())
    ]
    made_report["totals"] = {"quantity": sum(sums.values())}
    return made_report


def coverage(query: Query) -> Json:
    """How complete each source is: one row per maximal span of buckets in one state.

    Raises: BadQuestion for a grouping, or a filter other than the organization: a bucket has no other dimension.
    """
    _refuse_grouping("coverage", query)
    if set(query.filters) - {"organization_id"}:
        raise BadQuestion("coverage can only be filtered by organization_id")
    organizations = cells.organizations(query)
    made = envelope("coverage", query, organizations, cells.prices_of(query), ("usage", "cost"))
    made["rows"] = []
    health = cache(lambda organization, source: _health(organization, source, query))
    for span in freshness.spans(organizations, query.start, query.end, query.as_of):
        last_success, last_error = health(span.organization, span.source)
        made["rows"].append(
            {
                "source": span.source,
                "organization_id": span.organization.external_id,
                "since": clock.rfc3339(span.start),
                "until": clock.rfc3339(span.end),
                "state": span.state,
                "control_total_ok": span.control_total_ok,
                "last_success": _time(last_success),
                "last_error": last_error,
            }
        )
    made["totals"] = {}
    return made


def changes(query: Query) -> Json:
    """What became of figures after they were known: by period, source and the reason it was noticed.

    `as_of` asks for what changed after that time. Raises: BadQuestion.
    """
    rows, totals = report_of_changes.rows_and_totals(query)
    now = replace(query, as_of=None)
    made = envelope("changes", now, cells.organizations(now), cells.prices_of(query), ("usage", "cost"))
    return made | {"rows": rows, "totals": totals}


def limits(query: Query) -> Json:
    """How close each group of models and workspace ran to its rate limits. Raises: BadQuestion."""
    limits_report.check(query)
    organizations = cells.organizations(query)
    made = envelope("limits", query, organizations, cells.prices_of(query), ("minutes",))
    made["rows"] = [
        row | {"partial": row["partial"] or is_partial(row["period"], query, made["data_through"])}
        for row in limits_report.rows(organizations, query)
    ]
    made["totals"] = {}
    return made


def _health(organization: Organization, source: str, query: Query) -> tuple[datetime | None, str | None]:
    """When a source last succeeded, and what has failed since, both by the time of the question."""
    runs = Run.objects.filter(organization=organization, source=source, finished_at__isnull=False)
    if query.as_of is not None:
        runs = runs.filter(finished_at__lte=query.as_of)
    succeeded = runs.filter(outcome=Run.Outcome.SUCCEEDED).order_by("-finished_at", "-pk").first()
    failed = runs.filter(outcome__in=(Run.Outcome.FAILED, Run.Outcome.CLOSED)).order_by("-finished_at", "-pk").first()
    is_over = bool(failed and succeeded and (failed.finished_at, failed.pk) < (succeeded.finished_at, succeeded.pk))
    return (succeeded.finished_at if succeeded else None), (failed.error if failed and not is_over else None)


def _refuse_grouping(name: str, query: Query) -> None:
    if query.group_by:
        raise BadQuestion(f"{name} has a grouping of its own; leave --group-by out")


def _time(moment: Any) -> str | None:
    return clock.rfc3339(moment) if moment else None


def _reads_cost(organizations: Sequence[Organization], as_of: datetime | None) -> bool:
    """Whether every organization's cost report may be read: half a total is an invented number."""
    return bool(organizations) and all(freshness.readable(one, ["cost"], as_of) for one in organizations)


class _Names:
    """The names that accompany ids."""

    def __init__(self, organizations: Sequence[Organization], as_of: datetime | None) -> None:
        self._workspaces = names_at(WORKSPACES, organizations, as_of)
        self._keys = names_at(API_KEYS, organizations, as_of)

    def workspace(self, key: str) -> str:
        return self._workspaces.get(key, "Default" if key == DEFAULT_WORKSPACE else key)

    def api_key(self, key: str) -> str:
        return "No API key (Console, OAuth)" if key == CONSOLE_KEY else self._keys.get(key, key)


def columns(name: str, query: Query) -> list[str]:
    """The keys of a report's rows, the same whether it has rows or not."""
    if name == "coverage":
        return [*COVERAGE_COLUMNS]
    if name == "unpriced":
        return [*UNPRICED_COLUMNS]
    if name == "changes":
        return [*report_of_changes.COLUMNS]
    if name == "limits":
        return [*limits_report.COLUMNS]
    row = _row(("", *query.group_by), _Sums(), replace(query, interval="total"), None, False, _Names([], None))
    return [key for key in row if name == "spend" or key not in MONEY_COLUMNS]


REPORTS: dict[str, Callable[[Query], Json]] = {
    "spend": spend,
    "usage": usage,
    "unpriced": unpriced,
    "coverage": coverage,
    "limits": limits,
    "changes": changes,
}
