"""Requests of a day, where the organization has the analytics source: the usage report counts none."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max, Sum

from costwatch import clock
from costwatch.directory.limits import limits_at
from costwatch.directory.models import Organization
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import pool_of
from costwatch.ledger.limit_hours import group_for
from costwatch.ledger.models import AnalyticsUsage, LimitDay

LOOKS_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of a line's newest whole day, and in how many of its minutes there was use.

    Shape: no requests where the analytics of that day were read and nothing was used of the line.
    """

    day: date
    requests: int
    minutes_active: int


def requests_of(organization: Organization, key: LineKey) -> Requests | None:
    """The requests of a line; None where the analytics of the last week do not count them."""
    today = clock.today()
    rows = AnalyticsUsage.objects.filter(series__organization=organization, day__gte=today - LOOKS_BACK, day__lt=today)
    day = rows.aggregate(newest=Max("day"))["newest"]
    if day is None:
        return None
    rows = rows.filter(day=day)
    if key.workspace_key:
        rows = rows.filter(series__workspace_id=key.workspace_key)
    limits = limits_at(organization, clock.midnight(day) + clock.DAY)
    counts = []
    sums = (
        rows.values_list("series__model", "series__service_tier", "series__speed").annotate(Sum("requests")).order_by()
    )
    for model, tier, speed, count in sums:
        if pool_of(tier, speed) == key.pool and group_for(model, limits).id == key.group_id:
            counts.append(count)
    told = [int(count) for count in counts if count is not None]
    active = LimitDay.objects.filter(
        organization=organization,
        day=day,
        group_id=key.group_id,
        pool=key.pool,
        workspace_key=key.workspace_key,
    ).aggregate(most=Max("minutes_active"))["most"]
    # Lines with use that the analytics do not count, or do not tell of at all.
    if not told and (counts or active):
        return None
    return Requests(day, sum(told), active or 0)
