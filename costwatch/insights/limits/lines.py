"""Who hurts next: every group, pool and workspace that was used, with the limiter it comes closest to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count, Max, Min, Sum

from costwatch import clock
from costwatch.directory.limits import Group, Limits, limits_now
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ingest.sources import MINUTES_SOURCE
from costwatch.insights.freshness import through_of
from costwatch.insights.limits.unread import unread
from costwatch.ledger.limit_figures import AN_HOUR, LIMITED_POOLS, LIMITERS, minutes_over, unpack
from costwatch.ledger.models import LimitHour

AT_LIMIT, TIGHT, FINE, UNLIMITED = "at_limit", "tight", "fine", "unlimited"
STATES = (AT_LIMIT, TIGHT, FINE, UNLIMITED)
LOOKS_BACK = clock.DAY
# Above these a line is tight, or at its limit. Units: hundredths of a per cent.
TIGHT_ABOVE, AT_LIMIT_ABOVE, SHOWN_FROM = 8000, 9500, 5000
WHOLE = 10_000


# Named tuples where hundreds are made and looked up for one page.
class LineKey(NamedTuple):
    """What a line is about. `workspace_key` is empty for the organization, `pool` for ordinary use."""

    group_id: str
    pool: str
    workspace_key: str


class Against(NamedTuple):
    """How a line stood beside one limiter.

    Units: tokens; `limit` is what is in force now and None where none is known, and everything is held against it:
    `share` is the peak's, in hundredths of a per cent.
    """

    limiter: str
    limit: int | None
    source: str
    share: int | None
    peak: int
    total: int
    minutes_active: int
    minutes_over_80: int
    minutes_over_95: int
    minutes_over_100: int

    @property
    def side(self) -> str:
        """Which tokens it counts: input, output, or both."""
        return side_of(self.limiter)


def side_of(limiter: str) -> str:
    """Which tokens a limiter counts: input, output, or both."""
    if limiter in ("fast_otpm", "output_tokens_per_minute"):
        return "output"
    return "both" if limiter == "tokens_per_minute" else "input"


# Without slots, so that what it comes closest to is looked for once: the order, the state and the list all ask.
@dataclass(frozen=True)
class Line:
    """One group and pool of the organization or of a workspace; `binding` is the limiter it comes closest to."""

    key: LineKey
    group: str
    against: tuple[Against, ...]

    @cached_property
    def binding(self) -> Against:
        return max(self.against, key=lambda one: (-1 if one.share is None else one.share, one.minutes_over_80))

    @property
    def state(self) -> str:
        share = self.binding.share
        if share is None:
            return UNLIMITED
        return AT_LIMIT if share > AT_LIMIT_ABOVE else TIGHT if share > TIGHT_ABOVE else FINE

    @property
    def is_shown(self) -> bool:
        """Whether it stands in the list, and not among those that are far from every limit."""
        return (self.binding.share or 0) >= SHOWN_FROM


@dataclass(frozen=True, slots=True)
class Lines:
    """Every line of a day, those that hurt next first. `since` and `until` are whole hours; the last may be under way.

    `idle` are the groups of models that nobody used, `limits` what is configured now; `through` is how far minutes were
    read, None until any were, and `unread` are the hours of the week of which none was.
    """

    since: datetime
    until: datetime
    lines: tuple[Line, ...]
    idle: tuple[Group, ...]
    limits: Limits
    through: datetime | None
    unread: frozenset[datetime]

    def has_last_hour(self, now: datetime) -> bool:
        """Whether any of the last sixty minutes was read."""
        return self.through is not None and self.through > now - clock.HOUR

    @property
    def unread_of_day(self) -> frozenset[datetime]:
        """Those hours of the 24 of which no minute was read."""
        return frozenset(hour for hour in self.unread if hour >= self.since)

    @property
    def shown(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.is_shown)

    @property
    def folded(self) -> tuple[Line, ...]:
        """The lines that are far from their limits, or of which none is known."""
        return tuple(line for line in self.lines if not line.is_shown)

    def of(self, workspace: str) -> "Lines":
        """The lines of one workspace with those of the pools it draws from."""
        drawn_from = {(key.group_id, key.pool) for line in self.lines if (key := line.key).workspace_key == workspace}
        own = tuple(
            line
            for line in self.lines
            if line.key.workspace_key in (ORGANIZATION_WIDE, workspace)
            and (line.key.group_id, line.key.pool) in drawn_from
        )
        return replace(self, lines=own)

    def counts(self) -> dict[str, int]:
        """How many lines are in each state."""
        return {state: sum(line.state == state for line in self.lines) for state in STATES}


def lines(organization: Organization) -> Lines:
    """The lines of the last 24 hours."""
    until = clock.floor_hour(clock.now()) + clock.HOUR
    since = until - LOOKS_BACK
    limits = limits_now(organization)
    rows = LimitHour.objects.filter(organization=organization, hour__gte=since, hour__lt=until)
    sums = (
        rows.values_list("group_id", "pool", "workspace_key", "limiter")
        .annotate(
            called=Max("group"),
            lowest=Min("limit"),
            highest=Max("limit"),
            hours=Count("pk"),
            limited=Count("limit"),
            peaks=Max("peak"),
            tokens=Sum("total"),
            active=Sum("minutes_active"),
            over_80=Sum("minutes_over_80"),
            over_95=Sum("minutes_over_95"),
            over_100=Sum("minutes_over_100"),
        )
        .order_by()
    )
    found: dict[LineKey, tuple[str, list[Against]]] = {}
    known: dict[str, Mapping[tuple[str, str], tuple[int | None, str]]] = {}
    for group_id, pool, key, limiter, group, lowest, highest, hours, limited, *counts in sums:
        # Whoever has set nothing has what the organization has.
        whose = key if key in limits.values else ORGANIZATION_WIDE
        if whose not in known:
            known[whose] = _known(limits, whose)
        name = (group_id, limiter) if pool in LIMITED_POOLS else ("", "")
        limit, source = known[whose].get(name, (None, "organization"))
        peak, total, active, *over = (int(count) for count in counts)
        if limit is not None and not (hours == limited and lowest == highest == limit):
            # Some of its hours were held against another limit, which is no longer in force.
            of = rows.filter(group_id=group_id, pool=pool, workspace_key=key, limiter=limiter)
            values = [value for hour in of.values_list("values", flat=True) for value in unpack(hour)]
            over = [minutes_over(values, limit, share) for share in (80, 95, 100)]
        against = Against(limiter, limit, source, share_of(peak, limit), peak, total, active, *over)
        called = limits.groups[group_id].label if group_id in limits.groups else group
        found.setdefault(LineKey(group_id, pool, key), (called, []))[1].append(against)
    made = [Line(key, group, tuple(sorted(of, key=_order))) for key, (group, of) in found.items()]
    used = {line.key.group_id for line in made}
    idle = tuple(group for group in limits.groups.values() if group.models is not None and group.id not in used)
    return Lines(
        since=since,
        until=until,
        lines=tuple(sorted(made, key=_urgency)),
        idle=idle,
        limits=limits,
        through=through_of(organization, MINUTES_SOURCE),
        unread=unread(organization, until),
    )


def share_of(value: int, limit: int | None) -> int | None:
    """A share of a limit, in hundredths of a per cent; a limit of nothing is used up by anything."""
    if limit is None:
        return None
    return value * WHOLE // limit if limit else WHOLE * bool(value)


def last_hour(organization: Organization, shown: Iterable[Line], through: datetime) -> dict[LineKey, list[int]]:
    """Sixty minutes of each line's binding limiter up to a minute. Units: tokens."""
    wanted = {(line.key, line.binding.limiter) for line in shown}
    return {key: values for (key, _limiter), values in last_minutes(organization, wanted, through).items()}


def last_minutes(
    organization: Organization, wanted: Collection[tuple[LineKey, str]], through: datetime
) -> dict[tuple[LineKey, str], list[int]]:
    """Sixty minutes up to a minute, of lines and limiters. Units: tokens."""
    hour = clock.floor_hour(through - clock.HOUR)
    rows = LimitHour.objects.filter(
        organization=organization,
        hour__in=(hour, hour + clock.HOUR),
        group_id__in={key.group_id for key, _limiter in wanted},
        workspace_key__in={key.workspace_key for key, _limiter in wanted},
        limiter__in={limiter for _key, limiter in wanted},
    )
    minutes = {one: [0] * (2 * AN_HOUR) for one in wanted}
    columns = ("group_id", "pool", "workspace_key", "limiter", "hour", "values")
    for group_id, pool, workspace, limiter, at, values in rows.values_list(*columns):
        one = LineKey(group_id, pool, workspace), limiter
        if one in minutes:
            place = 0 if at == hour else AN_HOUR
            minutes[one][place : place + AN_HOUR] = unpack(values)
    end = (through - hour) // clock.MINUTE
    return {one: values[end - AN_HOUR : end] for one, values in minutes.items()}


def _known(limits: Limits, workspace: str) -> dict[tuple[str, str], tuple[int | None, str]]:
    return {(one.group.id, one.limiter): (one.value, one.source) for one in limits.of(workspace)}


def _order(one: Against) -> tuple[int, str]:
    return (list(LIMITERS).index(one.limiter) if one.limiter in LIMITERS else len(LIMITERS), one.limiter)


def _urgency(line: Line) -> tuple[int, int, int, LineKey]:
    binding = line.binding
    return (STATES.index(line.state), -binding.minutes_over_80, -(binding.share or 0), line.key)
