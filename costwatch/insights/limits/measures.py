"""Utilisation and days to the limit as numbers for a monitoring system, and for rules of alerts."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.limits.lines import LineKey, last_minutes, lines
from costwatch.insights.limits.trend import WINDOW_DAYS, Peak, Trend, trend
from costwatch.ledger.models import LimitDay


@dataclass(frozen=True, slots=True)
class LimitMeasure:
    """One line beside one of its limiters.

    Units: `utilisation` is the peak minute of the last 60 as a share of the limit in force, None where none of them
    was read; `minutes_over_80` of the last 24 hours; `days_left` until the limit at the trend of its daily peaks, None
    for not within a year or too few days.
    """

    organization: str
    group: str
    group_id: str
    pool: str
    workspace: str
    limiter: str
    source: str
    utilisation: float | None
    minutes_over_80: int
    days_left: int | None


def limit_measures() -> list[LimitMeasure]:
    """Every line of every organization that has a limit."""
    return [one for row in Organization.objects.order_by("pk") for one in _of(row)]


def _of(organization: Organization) -> list[LimitMeasure]:
    found, now = lines(organization), clock.now().replace(second=0, microsecond=0)
    limited = [(line, one) for line in found.lines for one in line.against if one.limit is not None]
    wanted = {(line.key, one.limiter): one.limit for line, one in limited}
    hours = last_minutes(organization, wanted, now) if found.has_last_hour(now) else {}
    trends = _trends(organization, wanted)
    return [
        LimitMeasure(
            organization=organization.external_id,
            group=line.group,
            group_id=line.key.group_id,
            pool=line.key.pool,
            workspace=line.key.workspace_key,
            limiter=one.limiter,
            source=one.source,
            utilisation=_ratio(max(hours[line.key, one.limiter]), one.limit or 0) if hours else None,
            minutes_over_80=one.minutes_over_80,
            days_left=_days_left(trends.get((line.key, one.limiter)), one.limit or 0),
        )
        for line, one in limited
    ]


def _days_left(found: Trend | None, limit: int) -> int | None:
    """A limit of nothing is met already."""
    if not limit:
        return 0
    return found.middle if found else None


def _ratio(peak: int, limit: int) -> float:
    """A share of a limit; one of nothing is used up by anything.

    It is a float since OpenMetrics has no other ratios, and tokens over a limit are not money.
    """
    return peak / limit if limit else float(bool(peak))


def _trends(
    organization: Organization, wanted: Mapping[tuple[LineKey, str], int | None]
) -> dict[tuple[LineKey, str], Trend | None]:
    today = clock.today()
    peaks: dict[tuple[LineKey, str], list[Peak]] = defaultdict(list)
    rows = LimitDay.objects.filter(organization=organization, day__gte=today - timedelta(days=WINDOW_DAYS))
    columns = ("group_id", "pool", "workspace_key", "limiter", "day", "peak", "limit")
    for group_id, pool, workspace, limiter, day, peak, limit in rows.values_list(*columns):
        one = LineKey(group_id, pool, workspace), limiter
        if one in wanted:
            peaks[one].append(Peak(day, peak, limit))
    return {one: trend(of, wanted[one], today) for one, of in peaks.items()}
