"""The stored minutes of one group and pool as flows, with its limiters as they are now: for relief and the twin."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from costwatch import clock
from costwatch.directory.limits import Limits, limits_now
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights.limits.flows import Flow, Limiter, Tokens
from costwatch.insights.limits.lines import LOOKS_BACK, LineKey
from costwatch.ledger.limit_figures import AN_HOUR, LIMITED_POOLS, READS_COUNT, limiters_of, pool_of, unpack
from costwatch.ledger.limit_hours import LimitHistory, group_for
from costwatch.ledger.models import LimitHour, MinuteFact, Series

# A day of a thousand keys is more than a page can replay; then only the fullest minutes are looked at.
MOST_ROWS = 100_000
COUNTS = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Who used what of a group and pool from `since`, and what it is held against.

    Shape: one flow for each workspace, key and model; limiters in their usual order, those that no report tells by the
    minute left out. `minutes` are those looked at, `of` all with use: fewer are looked at where a day has too many
    rows, those in which the line or the organization is fullest.
    """

    group: str
    since: datetime
    until: datetime
    flows: tuple[Flow, ...]
    limiters: tuple[Limiter, ...]
    minutes: int
    of: int

    def limiter(self, name: str) -> Limiter | None:
        """A limiter by its name."""
        return next((one for one in self.limiters if one.name == name), None)

    def at(self, place: int) -> datetime:
        """The minute of a place."""
        return self.since + place * clock.MINUTE


def stored_flows(
    organization: Organization,
    key: LineKey,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most_rows: int = MOST_ROWS,
) -> Stored:
    """Everything that drew from a line's pool in some whole hours, by default the last 24 with the one under way.

    A model counts where its group was the line's in that hour; limits are those of now, for that is what a change
    would be made to.
    Raises: ValueError for other than at most 24 whole hours.
    """
    until = until or clock.floor_hour(clock.now()) + clock.HOUR
    since = since or until - LOOKS_BACK
    if {clock.floor_hour(since), clock.floor_hour(until)} != {since, until} or since > until - clock.HOUR:
        raise ValueError("flows are read by whole hours")
    if until - since > LOOKS_BACK:
        raise ValueError("flows are read of at most 24 hours")
    drawn = _drawn(organization, key.pool)
    members = _members(organization, key.group_id, {one.model for one in drawn}, since, until)
    series = Series.objects.filter(
        organization=organization,
        model__in=frozenset[str]().union(*members),
        # A pool is some tiers at some speeds, each with each.
        service_tier__in={one.tier for one in drawn},
        speed__in={one.speed for one in drawn},
    )
    # Not a join: SQLite would go through the minutes once for each series.
    rows = MinuteFact.objects.filter(minute__gte=since, minute__lt=until, series__in=series.values("pk")).order_by()
    count, of = rows.count(), 0
    if count > most_rows:
        fullest = _fullest(organization, key, since, until)
        of = len(fullest)
        # A minute has about as many rows as another.
        rows = rows.filter(minute__in=fullest[: max(1, of * most_rows // count)])
    flows = _flows(rows, series, members, since)
    places = len({place for flow in flows for place in flow.minutes})
    limits = limits_now(organization)
    group = limits.groups.get(key.group_id)
    return Stored(
        group=(group.name if group else "") or key.group_id.removeprefix("model:"),
        since=since,
        until=until,
        flows=flows,
        limiters=limiters(limits, key),
        minutes=places,
        of=max(of, places),
    )


def limiters(limits: Limits, key: LineKey) -> tuple[Limiter, ...]:
    """The limiters of a line's group and pool, with the values that workspaces have set of their own."""
    values: dict[str, dict[str, int | None]] = {}
    for workspace, of in limits.values.items() if key.pool in LIMITED_POOLS else ():
        for (group, name), value in of.items():
            if group == key.group_id:
                values.setdefault(name, {})[workspace] = value
    return tuple(
        Limiter(
            name,
            count,
            values.get(name, {}).get(ORGANIZATION_WIDE),
            {who: own for who, own in values.get(name, {}).items() if who and own is not None},
        )
        for name, count in limiters_of(key.pool, values).items()
    )


class _Drawn(NamedTuple):
    model: str
    tier: str
    speed: str


def _drawn(organization: Organization, pool: str) -> list[_Drawn]:
    """Everything that was ever used in a pool."""
    rows = Series.objects.filter(organization=organization).values_list("model", "service_tier", "speed").distinct()
    return [one for one in map(_Drawn._make, rows) if pool_of(one.tier, one.speed) == pool]


def _members(
    organization: Organization, group_id: str, used: Collection[str], since: datetime, until: datetime
) -> Sequence[frozenset[str]]:
    """Which of some models are in a group, hour by hour."""
    history, now = LimitHistory(organization), clock.now()
    states: dict[int, frozenset[str]] = {}
    found = []
    for hour in range((until - since) // clock.HOUR):
        limits = history.at(min(since + (hour + 1) * clock.HOUR, now))
        if id(limits) not in states:
            states[id(limits)] = frozenset(one for one in used if group_for(one, limits).id == group_id)
        found.append(states[id(limits)])
    return found


def _flows(
    rows: QuerySet[MinuteFact], series: QuerySet[Series], members: Sequence[frozenset[str]], since: datetime
) -> tuple[Flow, ...]:
    found: dict[tuple[str, str, str], dict[int, Tokens]] = {}
    named = {one: dims for one, *dims in series.values_list("pk", "workspace_id", "api_key_id", "model")}
    counted = rows.values_list("minute", "series_id", *COUNTS)
    for minute, one, uncached, five, hour, reads, output in counted.iterator(chunk_size=5000):
        place = (minute - since) // clock.MINUTE
        # One that came between the two questions is seen the next time.
        if one not in named or named[one][2] not in members[place // AN_HOUR]:
            continue
        workspace, api_key, model = named[one]
        minutes = found.setdefault((workspace, api_key, model), {})
        tokens = Tokens(uncached, five + hour, reads, output)
        before = minutes.get(place)
        minutes[place] = Tokens(*map(sum, zip(before, tokens, strict=True))) if before else tokens
    return tuple(
        Flow(workspace, api_key, model, model.startswith(READS_COUNT), minutes)
        for (workspace, api_key, model), minutes in sorted(found.items())
    )


def _fullest(organization: Organization, key: LineKey, since: datetime, until: datetime) -> list[datetime]:
    """All minutes with use: the peak of each limiter first, then by the largest share of a limit."""
    rows = LimitHour.objects.filter(
        organization=organization,
        group_id=key.group_id,
        pool=key.pool,
        workspace_key__in={key.workspace_key, ORGANIZATION_WIDE},
        hour__gte=since,
        hour__lt=until,
    ).values_list("workspace_key", "limiter", "hour", "limit", "values")
    lines: dict[tuple[str, str], dict[datetime, tuple[float, int]]] = {}
    for workspace, limiter, hour, limit, values in rows:
        of_line = lines.setdefault((workspace, limiter), {})
        for place, value in enumerate(unpack(values)):
            if value:
                of_line[hour + place * clock.MINUTE] = (value / limit if limit else 0.0, value)
    ranked: dict[datetime, tuple[bool, float, int]] = {}
    for minutes in lines.values():
        peak = max(minutes, key=lambda minute: (minutes[minute][1], -minute.timestamp()), default=None)
        for minute, (share, value) in minutes.items():
            ranked[minute] = max(ranked.get(minute, (False, 0.0, 0)), (minute == peak, share, value))
    return sorted(ranked, key=lambda minute: ranked[minute], reverse=True)
