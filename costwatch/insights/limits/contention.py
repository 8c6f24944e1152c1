"""Who takes the organization's pool in the minutes in which it runs short: siblings of a workspace that is slow."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from costwatch import clock
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import unpack
from costwatch.ledger.models import LimitHour

LOOKS_BACK = timedelta(days=6)
SHORT_ABOVE = 80


@dataclass(frozen=True, slots=True)
class Contention:
    """The minutes of seven days in which the pool was above 80 % of its limit, and whose tokens those were.

    Units: tokens of the limiter. Shape: `by_workspace` largest first, summing to `total`.
    """

    minutes: int
    total: int
    by_workspace: tuple[tuple[str, int], ...]


def contention(organization: Organization, key: LineKey, limiter: str, limit: int) -> Contention:
    """Who took the pool that a line draws from when it ran short of the limit now in force."""
    pool = {
        "organization": organization,
        "group_id": key.group_id,
        "pool": key.pool,
        "limiter": limiter,
    }
    # The same seven days as the map of hours.
    since = clock.floor_day(clock.now()) - LOOKS_BACK
    short = {}
    rows = LimitHour.objects.filter(
        workspace_key=ORGANIZATION_WIDE, hour__gte=since, peak__gt=limit * SHORT_ABOVE // 100, **pool
    ).values_list("hour", "values")
    for hour, values in rows:
        short[hour] = [place for place, value in enumerate(unpack(values)) if value * 100 > limit * SHORT_ABOVE]
    taken: Counter[str] = Counter()
    of_workspaces = LimitHour.objects.filter(hour__in=short, **pool).exclude(workspace_key=ORGANIZATION_WIDE)
    for hour, workspace, values in of_workspaces.values_list("hour", "workspace_key", "values"):
        minutes = unpack(values)
        taken[workspace] += sum(minutes[place] for place in short[hour])
    ordered = sorted(((who, count) for who, count in taken.items() if count), key=lambda one: (-one[1], one[0]))
    return Contention(sum(map(len, short.values())), taken.total(), tuple(ordered))
