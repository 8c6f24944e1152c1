"""Who uses most of what a line comes closest to: workspaces of a pool, keys of a workspace."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db.models import Sum

from costwatch import clock
from costwatch.directory.limits import Limits
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.draws import draws
from costwatch.insights.limits.lines import LOOKS_BACK, Line, LineKey, side_of
from costwatch.ledger.limit_figures import FAST_LIMITERS, LIMITERS
from costwatch.ledger.models import Fact, LimitHour, Series

COUNTED = {**LIMITERS, **FAST_LIMITERS}
Used = dict[LineKey, Counter[str]]


def consumers(organization: Organization, lines: Collection[Line], limits: Limits) -> Used:
    """Who used most of what each line comes closest to, in 24 hours: workspaces of a pool, keys of a workspace.

    Shape: by line, workspace or key to tokens.
    """
    until = clock.floor_hour(clock.now()) + clock.HOUR
    span = until - LOOKS_BACK, until
    found: Used = {line.key: Counter() for line in lines}
    if pools := [line for line in lines if line.key.workspace_key == ORGANIZATION_WIDE]:
        _count_workspaces(organization, pools, span, found)
    if others := [line for line in lines if line.key.workspace_key != ORGANIZATION_WIDE]:
        _count_keys(organization, others, span, limits, found)
    return found


def _count_workspaces(
    organization: Organization, pools: Collection[Line], span: tuple[datetime, datetime], found: Used
) -> None:
    """The figures of the hours say what each workspace drew from a pool.

    A workspace may be limited by another limiter of the same side, and the limiters may have changed on the way.
    """
    wanted = {(line.key.group_id, line.key.pool, line.binding.side): found[line.key] for line in pools}
    rows = LimitHour.objects.filter(
        organization=organization,
        hour__gte=span[0],
        hour__lt=span[1],
        group_id__in={line.key.group_id for line in pools},
    ).exclude(workspace_key=ORGANIZATION_WIDE)
    each = rows.values_list("group_id", "pool", "limiter", "workspace_key").annotate(Sum("total")).order_by()
    for group, pool, limiter, workspace, total in each:
        counted = wanted.get((group, pool, side_of(limiter)))
        if counted is not None:
            counted[workspace] = max(counted[workspace], int(total))


def _count_keys(
    organization: Organization,
    lines: Collection[Line],
    span: tuple[datetime, datetime],
    limits: Limits,
    found: Used,
) -> None:
    """The hours of usage say which key it was; they are a sixtieth of the minutes."""
    counts = {line.key: COUNTED[line.binding.limiter] for line in lines}
    series = Series.objects.filter(
        organization=organization, workspace_id__in={line.key.workspace_key for line in lines}
    )
    # Hour by hour the index leads to a series' rows; a range of hours would be read with every series of it.
    hours = [span[0] + place * clock.HOUR for place in range((span[1] - span[0]) // clock.HOUR)]
    facts = Fact.objects.filter(bucket_start__in=hours, series_id__in=list(series.values_list("pk", flat=True)))
    for one in draws(facts, limits):
        key = LineKey(one.group_id, one.pool, one.workspace_key)
        if count := counts.get(key):
            found[key][one.api_key_id] += count(one.use)
