"""One line in detail: every limiter beside the organization's, a week of peak minutes, the trend, who uses most."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from costwatch import clock
from costwatch.directory.limits import Limit, Limits
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ingest.epoch import Epoch, moment
from costwatch.insights.limits.lines import LOOKS_BACK, WHOLE, LineKey, share_of
from costwatch.insights.limits.trend import WINDOW_DAYS, Peak, Trend, trend
from costwatch.insights.limits.unread import WEEK_DAYS, week_before
from costwatch.ledger.limit_figures import (
    AN_HOUR,
    FAST_LIMITERS,
    LIMITED_POOLS,
    ORDINARY,
    Figures,
    figures,
    limiters_of,
    longest_streak,
    minutes_over,
    unpack,
)
from costwatch.ledger.limit_hours import MODEL
from costwatch.ledger.models import LimitDay, LimitHour

WORST = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """A limiter of the line, or of the organization's pool beside it, over 24 hours. `streak` is above 80 %."""

    key: LineKey
    limiter: str
    limit: int | None
    configured: int | None
    source: str
    figures: Figures
    streak: int

    @property
    def headroom(self) -> int | None:
        """What the peak minute left of the limit, in hundredths of a per cent; less than nothing above it."""
        if self.limit is None:
            return None
        return WHOLE - (share_of(self.figures.peak, self.limit) or 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the map: its peak minute. `share` is of the limit now in force, in hundredths of a per cent."""

    hour: datetime
    peak: int
    peak_at: datetime
    share: int | None


@dataclass(frozen=True, slots=True)
class Worst:
    """One of the week's worst minutes. Units: tokens; `share` in hundredths of a per cent."""

    minute: datetime
    value: int
    limit: int | None
    share: int | None


@dataclass(frozen=True, slots=True)
class Over:
    """Minutes above 80, 95 and 100 % of the limit now in force, and all minutes with use."""

    active: int
    over_80: int
    over_95: int
    over_100: int


class _Hour(NamedTuple):
    hour: datetime
    group: str
    peak: int
    peak_at: datetime
    values: bytes


@dataclass(frozen=True, slots=True)
class Detail:
    """A line in detail.

    Shape: `bars` first those of the line, then those of the organization; `values` are the minutes of `limiter` from
    `since` to how far they were read; `week` seven days of 24 cells, None where there was no use, the hour is ahead or
    `unread`; `trend` of the line and `pool_trend` of the organization's pool.
    """

    key: LineKey
    group: str
    models: tuple[str, ...] | None
    limiter: str
    limit: int | None
    since: datetime
    until: datetime
    bars: tuple[Bar, ...]
    values: tuple[int, ...]
    week: tuple[tuple[date, tuple[Cell | None, ...]], ...]
    unread: frozenset[datetime]
    worst: tuple[Worst, ...]
    day: Over
    days: Over
    trend: Trend | None
    pool_trend: Trend | None
    unmeasured: tuple[Limit, ...]


def detail(
    organization: Organization,
    key: LineKey,
    limits: Limits,
    limiter: str = "",
    *,
    through: datetime | None = None,
    unread: frozenset[datetime] = frozenset(),
) -> Detail | None:
    """One line, drawn by one of its limiters (else the one it comes closest to). None where a week had no use.

    `through` is how far minutes were read, to now where it is not said; `unread` the hours that were not.
    """
    until = clock.floor_hour(clock.now()) + clock.HOUR
    since, first = until - LOOKS_BACK, week_before(until)
    rows = LimitHour.objects.filter(
        organization=organization,
        group_id=key.group_id,
        pool=key.pool,
        workspace_key__in={key.workspace_key, ORGANIZATION_WIDE},
        hour__gte=first,
        hour__lt=until,
    )
    of_line = rows.filter(workspace_key=key.workspace_key)
    own = set(of_line.values_list("limiter", flat=True).distinct())
    if not own:
        return None
    name = limiter if limiter in own else _closest(of_line)
    # A week of the limiter that is drawn; of the others a day is enough for their bars.
    asked = rows.filter(Q(hour__gte=since) | Q(workspace_key=key.workspace_key, limiter=name)).order_by("hour")
    hours: dict[tuple[str, str], list[_Hour]] = defaultdict(list)
    columns = ("workspace_key", "limiter", Epoch("hour"), "group", "peak", Epoch("peak_at"), "values")
    for workspace, of, hour, group, peak, peak_at, values in asked.values_list(*columns):
        hours[workspace, of].append(_Hour(moment(hour), group, peak, moment(peak_at), values))
    known = {
        (workspace, one.limiter): one
        for workspace in (key.workspace_key, ORGANIZATION_WIDE)
        for one in limits.of(workspace)
        if one.group.id == key.group_id and key.pool in LIMITED_POOLS
    }
    bars = [
        bar
        for workspace in dict.fromkeys((key.workspace_key, ORGANIZATION_WIDE))
        for name in limiters_of(key.pool, [of for where, of in known if where == workspace])
        if (bar := _bar(key, workspace, name, hours.get((workspace, name), ()), known, since))
    ]
    chosen, limit = hours[key.workspace_key, name], known.get((key.workspace_key, name))
    value = limit.value if limit else None
    trends = _trends(organization, key, name, known)
    return Detail(
        key=key,
        group=chosen[-1].group,
        models=_models(key, limits),
        limiter=name,
        limit=value,
        since=since,
        until=until,
        bars=tuple(bars),
        values=tuple(_minutes(chosen, since)[: max(0, ((through or clock.now()) - since) // clock.MINUTE)]),
        week=_week(chosen, first, value),
        unread=unread,
        worst=_worst(chosen, value),
        day=_over([row for row in chosen if row.hour >= since], value),
        days=_over(chosen, value),
        trend=trends[key.workspace_key],
        pool_trend=trends[ORGANIZATION_WIDE] if key.workspace_key else None,
        unmeasured=tuple(
            one
            for (where, of), one in known.items()
            if where == key.workspace_key and key.pool == ORDINARY and of not in own and of not in FAST_LIMITERS
        ),
    )


def _closest(rows: QuerySet[LimitHour]) -> str:
    """The limiter that a line came closest to, each hour held against the limit of its time."""
    closest: dict[str, int] = {}
    for limiter, peak, of_then in rows.values_list("limiter", "peak", "limit"):
        closest[limiter] = max(closest.get(limiter, -1), share_of(peak, of_then) or -1)
    return max(closest, key=lambda one: (closest[one], one))


def _bar(
    key: LineKey,
    workspace: str,
    limiter: str,
    hours: Sequence[_Hour],
    known: Mapping[tuple[str, str], Limit],
    since: datetime,
) -> Bar | None:
    limit = known.get((workspace, limiter))
    value = limit.value if limit else None
    minutes = _minutes(hours, since)
    made = figures(dict(enumerate(minutes)), value)
    if made is None:
        return None
    return Bar(
        key=LineKey(key.group_id, key.pool, workspace),
        limiter=limiter,
        limit=value,
        configured=limit.configured if limit else None,
        source=limit.source if limit else "organization",
        figures=made,
        streak=longest_streak(minutes, value, 80),
    )


def _minutes(hours: Iterable[_Hour], since: datetime) -> list[int]:
    """The minutes of a day from a whole hour on."""
    values = [0] * (LOOKS_BACK // clock.MINUTE)
    for row in hours:
        place = (row.hour - since) // clock.MINUTE
        if place >= 0:
            values[place : place + AN_HOUR] = unpack(row.values)
    return values


def _models(key: LineKey, limits: Limits) -> tuple[str, ...] | None:
    """The models of a group; one that stands for itself is its own."""
    group = limits.groups.get(key.group_id)
    return group.models if group else (key.group_id.removeprefix(MODEL),)


def _week(
    hours: Iterable[_Hour], first: datetime, limit: int | None
) -> tuple[tuple[date, tuple[Cell | None, ...]], ...]:
    cells = {row.hour: Cell(row.hour, row.peak, row.peak_at, share_of(row.peak, limit)) for row in hours}
    days = [first + timedelta(days=number) for number in range(WEEK_DAYS)]
    return tuple((day.date(), tuple(cells.get(day + hour * clock.HOUR) for hour in range(24))) for day in days)


def _worst(hours: Sequence[_Hour], limit: int | None) -> tuple[Worst, ...]:
    """The ten worst minutes lie in the ten hours with the highest peaks: no other hour holds a higher one."""
    highest = sorted(hours, key=lambda row: row.peak, reverse=True)[:WORST]
    minutes = [
        Worst(row.hour + place * clock.MINUTE, value, limit, share_of(value, limit))
        for row in highest
        for place, value in enumerate(unpack(row.values))
        if value
    ]
    return tuple(sorted(minutes, key=lambda one: (-one.value, one.minute))[:WORST])


def _over(hours: Sequence[_Hour], limit: int | None) -> Over:
    values = [value for row in hours for value in unpack(row.values) if value]
    return Over(len(values), *(minutes_over(values, limit, share) for share in (80, 95, 100)))


def _trends(
    organization: Organization, key: LineKey, limiter: str, known: Mapping[tuple[str, str], Limit]
) -> dict[str, Trend | None]:
    """The trend of the line's workspace and of the organization."""
    today = clock.today()
    # Day by day the index leads to a line's rows; a range of days would be read with every line of it.
    days = [today - timedelta(days=back) for back in range(1, WINDOW_DAYS + 1)]
    peaks: dict[str, list[Peak]] = {workspace: [] for workspace in (key.workspace_key, ORGANIZATION_WIDE)}
    rows = LimitDay.objects.filter(
        organization=organization,
        day__in=days,
        group_id=key.group_id,
        pool=key.pool,
        workspace_key__in=peaks,
        limiter=limiter,
    )
    for workspace, day, peak, of_then in rows.values_list("workspace_key", "day", "peak", "limit"):
        peaks[workspace].append(Peak(day, peak, of_then))
    return {
        workspace: trend(of, limit.value if (limit := known.get((workspace, limiter))) else None, today)
        for workspace, of in peaks.items()
    }
