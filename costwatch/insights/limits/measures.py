"""Utilisation and days to the limit as numbers for a monitoring system, and for rules of alerts."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.limits.lines import Against, Line, LineKey, last_hour, lines
from costwatch.insights.limits.trend import WINDOW_DAYS, Peak, Trend, trend
from costwatch.ledger.models import LimitDay


@dataclass(frozen=True, slots=True)
class LimitMeasure:
    """One line beside the limiter it comes closest to.

    Units: `utilisation` is the peak minute of the last 60 as a share of the limit in force, `minutes_over_80` of the
    last 24 hours; `days_left` until the limit at the trend of its daily peaks, None for not within a year or too few
    days.
    """

    organization: str
    group: str
    group_id: str
    pool: str
    workspace: str
    limiter: str
    utilisation: float
    minutes_over_80: int
    days_left: int | None


def limit_measures() -> list[LimitMeasure]:
    """Every line of every organization that has a limit."""
    return [one for row in Organization.objects.order_by("pk") for one in _of(row)]


def _of(organization: Organization) -> list[LimitMeasure]:
    limited = [line for line in lines(organization).lines if line.binding.limit]
    hours = last_hour(organization, limited, clock.now().replace(second=0, microsecond=0))
    trends = _trends(organization, limited)
    return [
        LimitMeasure(
            organization=organization.external_id,
            group=line.group,
            group_id=line.key.group_id,
            pool=line.key.pool,
            workspace=line.key.workspace_key,
            limiter=line.binding.limiter,
            utilisation=max(hours[line.key], default=0) / (line.binding.limit or 1),
            minutes_over_80=line.binding.minutes_over_80,
            days_left=found.middle if (found := trends.get(line.key)) else None,
        )
        for line in limited
    ]


def _trends(organization: Organization, limited: list[Line]) -> dict[LineKey, Trend | None]:
    today = clock.today()
    bindings: dict[LineKey, Against] = {line.key: line.binding for line in limited}
    peaks: dict[LineKey, list[Peak]] = defaultdict(list)
    rows = LimitDay.objects.filter(organization=organization, day__gte=today - timedelta(days=WINDOW_DAYS))
    columns = ("group_id", "pool", "workspace_key", "limiter", "day", "peak", "limit")
    for group_id, pool, workspace, limiter, day, peak, limit in rows.values_list(*columns):
        key = LineKey(group_id, pool, workspace)
        if key in bindings and bindings[key].limiter == limiter:
            peaks[key].append(Peak(day, peak, limit))
    return {key: trend(of, bindings[key].limit, today) for key, of in peaks.items()}
