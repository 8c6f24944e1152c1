"""Who uses most of what a line comes closest to: workspaces of a pool, keys of a workspace."""

from collections import Counter
from collections.abc import Collection

from costwatch import clock
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.draws import draws_of
from costwatch.insights.limits.lines import Line, LineKey, Lines
from costwatch.ledger.limit_figures import FAST_LIMITERS, LIMITERS
from costwatch.ledger.models import Fact, Series

COUNTED = {**LIMITERS, **FAST_LIMITERS}
Used = dict[LineKey, Counter[str]]


def consumers(organization: Organization, every: Lines, asked: Collection[Line]) -> Used:
    """Who used most of what some lines come closest to, in their 24 hours: workspaces of a pool, keys of a workspace.

    Shape: by line, workspace or key to tokens.
    """
    found: Used = {line.key: Counter() for line in asked}
    _count_workspaces(every, [line for line in asked if line.key.workspace_key == ORGANIZATION_WIDE], found)
    if others := [line for line in asked if line.key.workspace_key != ORGANIZATION_WIDE]:
        _count_keys(organization, every, others, found)
    return found


def _count_workspaces(every: Lines, pools: Collection[Line], found: Used) -> None:
    """What each workspace drew from a pool.

    A workspace may be limited by another limiter of the same side, and the limiters may have changed on the way.
    """
    wanted = {(line.key.group_id, line.key.pool, line.binding.side): found[line.key] for line in pools}
    for line in every.lines:
        key = line.key
        if key.workspace_key == ORGANIZATION_WIDE:
            continue
        for against in line.against:
            counted = wanted.get((key.group_id, key.pool, against.side))
            if counted is not None:
                counted[key.workspace_key] = max(counted[key.workspace_key], against.total)


def _count_keys(organization: Organization, every: Lines, asked: Collection[Line], found: Used) -> None:
    """The hours of usage say which key it was; they are a sixtieth of the minutes."""
    counts = {line.key: COUNTED[line.binding.limiter] for line in asked}
    series = Series.objects.filter(
        organization=organization, workspace_id__in={line.key.workspace_key for line in asked}
    )
    # Hour by hour the index leads to a series' rows; a range of hours would be read with every series of it.
    hours = [every.since + place * clock.HOUR for place in range((every.until - every.since) // clock.HOUR)]
    for one in draws_of(series, Fact.objects.filter(bucket_start__in=hours), every.limits):
        key = LineKey(one.group_id, one.pool, one.workspace_key)
        if count := counts.get(key):
            found[key][one.api_key_id] += count(one.use)
