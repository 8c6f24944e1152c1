"""Who takes the organization's pool in the minutes in which it runs short: siblings of a workspace that is slow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db.models import QuerySet

from costwatch import clock
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ingest.epoch import Epoch, moment
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import SHORT_ABOVE, unpack
from costwatch.ledger.models import LimitHour

LOOKS_BACK = timedelta(days=6)
COLUMNS = ("limit", "minutes_over_80", "takers", Epoch("hour"), "values")
TAKERS = msgspec.json.Decoder(dict[str, int])


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
    hours = LimitHour.objects.filter(hour__gte=since, **pool)
    taken: Counter[str] = Counter()
    minutes = 0
    of_pool = hours.filter(workspace_key=ORGANIZATION_WIDE, peak__gt=limit * SHORT_ABOVE // 100)
    otherwise: dict[datetime, list[int]] = {}
    for of_then, over, takers, hour, values in of_pool.values_list(*COLUMNS):
        if of_then == limit:
            minutes += over
            taken.update(TAKERS.decode(takers))
        else:
            of_hour = enumerate(unpack(values))
            otherwise[moment(hour)] = [place for place, value in of_hour if value * 100 > limit * SHORT_ABOVE]
    if otherwise:
        taken.update(_taken(hours, otherwise))
    ordered = sorted(((who, count) for who, count in taken.items() if count), key=lambda one: (-one[1], one[0]))
    return Contention(minutes + sum(map(len, otherwise.values())), taken.total(), tuple(ordered))


def _taken(hours: QuerySet[LimitHour], short: Mapping[datetime, Sequence[int]]) -> Counter[str]:
    """What workspaces took in minutes of hours that were held against a limit which is no longer in force."""
    taken: Counter[str] = Counter()
    of_workspaces = hours.filter(hour__in=list(short)).exclude(workspace_key=ORGANIZATION_WIDE)
    for hour, workspace, values in of_workspaces.values_list("hour", "workspace_key", "values"):
        counts = unpack(values)
        taken[workspace] += sum(counts[place] for place in short[hour])
    return taken
