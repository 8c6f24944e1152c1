"""Who takes the organization's pool in the minutes in which it runs short: siblings of a workspace that is slow."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import CharField
from django.db.models.functions import Cast

from costwatch import clock
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import AN_HOUR, unpack
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
    # Hours only find each other here: as text they are not made into times, of which a week has seven thousand.
    hours = LimitHour.objects.filter(hour__gte=since, **pool).annotate(at=Cast("hour", CharField()))
    of_pool = hours.filter(workspace_key=ORGANIZATION_WIDE, peak__gt=limit * SHORT_ABOVE // 100)
    short = {
        at: [place for place, value in enumerate(unpack(values)) if value * 100 > limit * SHORT_ABOVE]
        for at, values in of_pool.values_list("at", "values")
    }
    taken: Counter[str] = Counter()
    of_workspaces = hours.filter(hour__in=of_pool.values("hour")).exclude(workspace_key=ORGANIZATION_WIDE)
    for at, workspace, values in of_workspaces.values_list("at", "workspace_key", "values"):
        # Few of an hour's minutes are short: those are read where they lie, the others are not unpacked. An hour that
        # was made only just now is nowhere in `short`.
        minutes = memoryview(values).cast("I" if len(values) == 4 * AN_HOUR else "Q")
        taken[workspace] += sum([minutes[place] for place in short.get(at, ())])
    ordered = sorted(((who, count) for who, count in taken.items() if count), key=lambda one: (-one[1], one[0]))
    return Contention(sum(map(len, short.values())), taken.total(), tuple(ordered))
