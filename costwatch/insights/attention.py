"""What needs attention: the short list beside the first sentence. Each item is one finding with its figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min

from costwatch import clock
from costwatch.ingest.models import Coverage, Quarantined, Source, State
from costwatch.ingest.sources import BASIS, NEEDED
from costwatch.insights import cells
from costwatch.insights.amounts import Bounds, Scope, reported_by, reported_by_day
from costwatch.insights.periods import Period
from costwatch.insights.query import Query
from costwatch.ledger.models import SeriesDay
from costwatch.ledger.prices import in_force as price_table

LATE_AFTER = timedelta(minutes=30)
STOPPED_AFTER = timedelta(hours=6)
RETIRES_WITHIN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Shape: `kind` names it (and its icon and wording); `subject` is a name to show as text; `amount` is pico-dollars or
    a count, by kind; `day` and `moment` where the kind has one. Levels: danger, warn, info.
    """

    kind: str
    level: str
    subject: str = ""
    amount: int = 0
    day: date | None = None
    moment: datetime | None = None
    detail: str = ""


def findings(scope: Scope, period: Period) -> list[Finding]:
    """Everything that needs attention in a scope, worst first."""
    found = [
        *_stopped_sources(scope),
        *_implausible_days(scope, period),
        *_held_back(scope, period),
        *_inconsistent(scope),
        *_set_aside(scope),
        *_other_currencies(scope, period),
        *_unpriced(scope, period),
        *_retiring(scope, period),
    ]
    order = {"danger": 0, "warn": 1, "info": 2}
    return sorted(found, key=lambda one: order[one.level])


def _stopped_sources(scope: Scope) -> Iterator[Finding]:
    """Sources that fail, are closed to this key, or have not been read for long."""
    now = clock.now()
    for source in Source.objects.filter(organization=scope.organization, name__in=NEEDED).order_by("name"):
        if not source.available:
            level = "danger" if source.name == BASIS else "info"
            yield Finding("source_closed", level, source.name, detail=source.reason)
        elif source.failures and (source.last_success_at is None or now - source.last_success_at > LATE_AFTER):
            yield Finding(
                "source_failing", "danger", source.name, moment=source.last_success_at, detail=source.last_error
            )
        elif not clock.is_frozen() and source.last_success_at and now - source.last_success_at > STOPPED_AFTER:
            yield Finding("source_silent", "danger", source.name, moment=source.last_success_at)


def _implausible_days(scope: Scope, period: Period) -> Iterator[Finding]:
    """Settled days on which what we compute and what was reported differ by more than a factor of two.

    Both sides are token and search lines of the whole organization, where both reports see the same thing. A
    hundredfold error in units cannot hide from this. On a day with tokens without a price there is no upper bound.
    """
    if scope.workspace:
        return
    settled = {
        start.date()
        for start in Coverage.objects.filter(
            organization=scope.organization,
            source="cost",
            state__in=(State.SETTLED, State.REVISED),
            start__gte=clock.midnight(period.since),
            start__lt=clock.midnight(period.until),
        ).values_list("start", flat=True)
    }
    if not settled:
        return
    dims = ("service_tier",)
    ours: dict[date, Bounds] = {}
    query = Query(period.since, period.until, "day", dims, scope.filters)
    for cell in cells.usage_cells(query, cells.prices_of(query)):
        if cell.dims[0].startswith("priority"):
            continue
        one = Bounds(cell.contracted_low, cell.contracted_high, cell.unpriced_tokens)
        ours[_day(cell.moment)] = ours.get(_day(cell.moment), Bounds()) + one
    reported: dict[date, int] = {}
    for (day, kind), amount in reported_by_day(scope, period, "cost_type").items():
        if kind in ("tokens", "web_search", ""):
            reported[day] = reported.get(day, 0) + amount
    off = [
        day
        for day in sorted(settled)
        if reported.get(day, 0) > 0 and day in ours and not _plausible(reported[day], ours[day])
    ]
    if off:
        yield Finding("implausible", "danger", amount=len(off), day=off[-1])


def _plausible(reported: int, ours: Bounds) -> bool:
    """Whether reported lies within a factor of two of our bounds."""
    return ours.low <= 2 * reported and (reported <= 2 * ours.high or ours.unpriced_tokens > 0)


def _held_back(scope: Scope, period: Period) -> Iterator[Finding]:
    """Charges too large for one cell of SQLite."""
    rows = SeriesDay.objects.filter(
        held=True, day__gte=period.since, day__lt=period.until, series__organization=scope.organization
    )
    if scope.workspace:
        rows = rows.filter(series__workspace_id=scope.workspace)
    found = rows.aggregate(number=Count("day"), last=Max("day"))
    if found["number"]:
        yield Finding("held_back", "danger", amount=found["number"], day=found["last"])


def _inconsistent(scope: Scope) -> Iterator[Finding]:
    """Hours whose last good values were kept because a later read did not add up."""
    found = Coverage.objects.filter(organization=scope.organization, state=State.INCONSISTENT, rejected=0).aggregate(
        number=Count("start"), first=Min("start")
    )
    if found["number"]:
        yield Finding("inconsistent", "warn", amount=found["number"], moment=found["first"])


def _set_aside(scope: Scope) -> Iterator[Finding]:
    """Rows of a report that could not be recorded."""
    found = Quarantined.objects.filter(organization=scope.organization).aggregate(
        number=Count("id"), first=Min("bucket_start"), reason=Max("reason")
    )
    if found["number"]:
        yield Finding("set_aside", "warn", amount=found["number"], moment=found["first"], detail=found["reason"] or "")


def _other_currencies(scope: Scope, period: Period) -> Iterator[Finding]:
    """Reported lines that are not in US dollars and in no sum."""
    query = Query(period.since, period.until, "day", (), scope.filters)
    for currency, amount in sorted(cells.other_currencies(query).items()):
        yield Finding("other_currency", "warn", currency, amount)


def _unpriced(scope: Scope, period: Period) -> Iterator[Finding]:
    """Models with tokens that have no price in force."""
    rows = SeriesDay.objects.filter(
        unpriced_tokens__gt=0,
        held=False,
        day__gte=period.since,
        day__lt=period.until,
        series__organization=scope.organization,
    )
    if scope.workspace:
        rows = rows.filter(series__workspace_id=scope.workspace)
    sums: dict[tuple[str, str], int] = {}
    for model, tier, tokens in rows.values_list("series__model", "series__service_tier", "unpriced_tokens"):
        sums[model, tier] = sums.get((model, tier), 0) + tokens
    for (model, tier), tokens in sorted(sums.items(), key=lambda one: -one[1]):
        yield Finding("unpriced", "warn", model, tokens, detail=tier if tier != "standard" else "")


def _retiring(scope: Scope, period: Period) -> Iterator[Finding]:
    """Models that retire soon and are still used, with what they were reported at."""
    table, today = price_table(), clock.today()
    sums: dict[str, int] = {}
    retires: dict[str, date] = {}
    for value, amount in reported_by(scope, period, "model").items():
        model = table.model(value)
        if model and model.retired_on and today <= model.retired_on <= today + RETIRES_WITHIN:
            sums[model.display_name] = sums.get(model.display_name, 0) + amount
            retires[model.display_name] = model.retired_on
    for name, amount in sorted(sums.items(), key=lambda one: -one[1]):
        yield Finding("retiring", "info", name, amount, day=retires[name])


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
