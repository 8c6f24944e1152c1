"""The rows of the report `limits`: how the minutes of each period stood beside every limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from costwatch import clock
from costwatch.directory.limits import Limit, Limits
from costwatch.directory.models import DEFAULT_WORKSPACE, Organization, Workspace
from costwatch.insights.query import BadQuestion, Query, period_name, period_span
from costwatch.ledger.limit_figures import FAST_LIMITERS, LIMITED_POOLS, LIMITERS, rank, unpack
from costwatch.ledger.limit_hours import LimitHistory
from costwatch.ledger.models import LimitDay, LimitDayMade, LimitHour, LimitHourMade

FILTERS = ("organization_id", "workspace_id")
MEASURED = {**LIMITERS, **FAST_LIMITERS}
COUNTS = ("minutes_active", "minutes_over_80", "minutes_over_95", "minutes_over_100")
COLUMNS = (
    "period",
    "partial",
    "organization_id",
    "group",
    "group_id",
    "workspace_id",
    "workspace_name",
    "limiter",
    "limit",
    "source",
    "peak",
    "peak_at",
    "p95",
    "median",
    *COUNTS,
)
Json = dict[str, Any]
# Group, workspace and limiter; fast use has limiters of its own.
Line = tuple[str, str, str]
T = TypeVar("T", bound=Model)


@dataclass(slots=True)
class _Minutes:
    """What the minutes of a period came to for one limit. `values` is None where only a day's figures are kept."""

    name: str
    limit: int | None
    source: str
    peak: int = 0
    peak_at: datetime | None = None
    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTS))
    values: list[int] | None = field(default_factory=list)
    percentiles: tuple[int, int] | None = None

    def add(self, row: LimitHour | LimitDay) -> None:
        """Add an hour, or a day whose hours are gone."""
        if row.peak > self.peak:
            self.peak, self.peak_at = row.peak, row.peak_at
        first = not self.counts[0]
        for place, name in enumerate(COUNTS):
            self.counts[place] += getattr(row, name)
        self.name, self.limit, self.source = row.group, row.limit, row.source
        if isinstance(row, LimitHour):
            if self.values is not None:
                self.values.extend(value for value in unpack(row.values) if value)
        else:
            # The percentile of several days cannot be made of theirs.
            self.percentiles, self.values = (row.p95, row.median) if first else None, None

    def ranks(self) -> tuple[int | None, int | None]:
        """The 95th percentile and the median."""
        if self.values is None:
            return self.percentiles or (None, None)
        if not self.values:
            return 0, 0
        ordered = sorted(self.values)
        return rank(ordered, 95), rank(ordered, 50)


def check(query: Query) -> None:
    """Raises: BadQuestion where limits cannot answer it."""
    if query.group_by:
        raise BadQuestion("limits has a grouping of its own; leave --group-by out")
    if other := next((name for name in query.filters if name not in FILTERS), None):
        raise BadQuestion(f"limits cannot be filtered by {other}; choose from {', '.join(FILTERS)}")
    if query.as_of is not None:
        raise BadQuestion("minutes keep no history of their own; leave --as-of out")


def rows(organizations: Sequence[Organization], query: Query) -> Iterator[Json]:
    """The rows of every organization asked about; a period is partial where some of its minutes were not read."""
    made = [row for organization in organizations for row in _rows(organization, query)]
    yield from sorted(made, key=lambda row: (row["period"], row["group"], row["workspace_id"] or "", row["limiter"]))


def _rows(organization: Organization, query: Query) -> Iterator[Json]:
    names = dict(Workspace.objects.filter(organization=organization).values_list("key", "name"))
    periods, now = _periods(query), clock.now()
    made = _made(organization, query, periods, now)

    def row(period: str, line: Line, minutes: _Minutes) -> Json:
        group, workspace, limiter = line
        p95, median = minutes.ranks()
        is_measured = limiter in MEASURED
        is_read, is_whole = made[period]
        figures = {
            "peak": minutes.peak,
            "peak_at": clock.rfc3339(minutes.peak_at) if minutes.peak_at else None,
            "p95": p95,
            "median": median,
            **dict(zip(COUNTS, minutes.counts, strict=True)),
        }
        return {
            "period": period,
            "partial": not is_whole,
            "organization_id": organization.external_id,
            "group": minutes.name,
            "group_id": group,
            "workspace_id": workspace or None,
            "workspace_name": _name(workspace, names) if workspace else None,
            "limiter": limiter,
            "limit": minutes.limit,
            "source": minutes.source,
            # What no report tells by the minute is not zero, and minutes that nobody has read are not either.
            **(figures if is_measured and is_read else dict.fromkeys(figures)),
        }

    found: dict[str, set[Line]] = {}
    for line, by_period in _measured(organization, query):
        for period, minutes in by_period.items():
            found.setdefault(period, set()).add(line)
            yield row(period, line, minutes)
    history = LimitHistory(organization)
    for period, (start, end) in periods.items():
        if start >= now:
            continue
        for limit, workspace in _configured(history.at(min(end, now)), query):
            line = (limit.group.id, workspace, limit.limiter)
            if line not in found.get(period, ()):
                name = limit.group.label
                yield row(period, line, _Minutes(name, limit.value, limit.source))


def _made(
    organization: Organization, query: Query, periods: Mapping[str, tuple[datetime, datetime]], now: datetime
) -> dict[str, tuple[bool, bool]]:
    """Of each period, whether figures of any of its hours were made, and whether of all that have begun."""
    span = {"organization": organization}
    hours = set(
        LimitHourMade.objects.filter(**span, hour__gte=query.start, hour__lt=query.end).values_list("hour", flat=True)
    )
    days = LimitDayMade.objects.filter(**span, day__gte=query.since, day__lt=query.until).values_list("day", flat=True)
    # The figures of a day stay when those of its hours are gone.
    kept = set(days) - {hour.date() for hour in hours}
    found = {}
    for period, (start, end) in periods.items():
        begun = -((start - min(end, now)) // clock.HOUR)
        of_period = [start + place * clock.HOUR for place in range(max(0, begun))]
        known = [hour in hours or (hour.date() in kept and query.interval != "hour") for hour in of_period]
        found[period] = any(known), bool(known) and all(known)
    return found


def _measured(organization: Organization, query: Query) -> Iterator[tuple[Line, dict[str, _Minutes]]]:
    """One line after the other, each with its periods: the minutes of many at once would be a gigabyte."""
    hours = LimitHour.objects.filter(organization=organization, hour__gte=query.start, hour__lt=query.end)
    days = LimitDay.objects.filter(organization=organization, day__gte=query.since, day__lt=query.until)
    first = LimitHour.objects.filter(organization=organization).order_by("hour").values_list("hour", flat=True).first()
    if first is not None:
        # The oldest day whose hours are kept may have lost some of them.
        oldest = first.date() if first == clock.floor_day(first) else clock.floor_day(first + clock.DAY).date()
        days = days.filter(day__lt=oldest)
        hours = hours.filter(hour__gte=clock.midnight(oldest)) if days.exists() else hours
    if query.interval == "hour":
        days = days.none()
    kept: dict[Line, list[LimitDay]] = {}
    for day in _asked(days, query).order_by("day"):
        kept.setdefault((day.group_id, day.workspace_key, day.limiter), []).append(day)
    ordered = _asked(hours, query).order_by("group_id", "workspace_key", "limiter", "hour")
    for line, of_line in groupby(ordered.iterator(chunk_size=500), _line):
        yield line, _by_period([*kept.pop(line, ()), *of_line], query)
    for line, rest in kept.items():
        yield line, _by_period(rest, query)


def _line(row: LimitHour) -> Line:
    return row.group_id, row.workspace_key, row.limiter


def _by_period(rows: Iterable[LimitDay | LimitHour], query: Query) -> dict[str, _Minutes]:
    made: dict[str, _Minutes] = {}
    for row in rows:
        period = period_name(row.hour if isinstance(row, LimitHour) else row.day, query.interval)
        if period not in made:
            made[period] = _Minutes(row.group, row.limit, row.source)
        made[period].add(row)
    return made


def _asked(rows: QuerySet[T], query: Query) -> QuerySet[T]:
    """Of ordinary and fast use, of the workspaces asked about. Batch and priority have no limits by the minute."""
    wanted = query.filters.get("workspace_id")
    return rows.filter(pool__in=LIMITED_POOLS, **({"workspace_key__in": wanted} if wanted else {}))


def _configured(limits: Limits, query: Query) -> Iterator[tuple[Limit, str]]:
    """What is set for the organization, and what workspaces have set themselves."""
    wanted = query.filters.get("workspace_id")
    for workspace in sorted(limits.values):
        if wanted is None or workspace in wanted:
            yield from ((one, workspace) for one in limits.of(workspace) if not one.is_inherited)


def _periods(query: Query) -> dict[str, tuple[datetime, datetime]]:
    moment, made = query.start, {}
    while moment < query.end:
        name = period_name(moment, query.interval)
        start, end = period_span(name, query.interval, query)
        made[name] = (max(start, query.start), min(end, query.end))
        moment = end
    return made


def _name(workspace: str, names: Mapping[str, str]) -> str:
    return names.get(workspace, "Default" if workspace == DEFAULT_WORKSPACE else workspace)
