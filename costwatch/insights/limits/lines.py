"""Who hurts next: every group, pool and workspace that was used, with the limiter it comes closest to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, F, Max, Sum, Value, When

from costwatch import clock
from costwatch.directory.limits import Group, Limits, limits_now
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.ledger.limit_figures import AN_HOUR, LIMITED_POOLS, LIMITERS, unpack
from costwatch.ledger.models import LimitHour

AT_LIMIT, TIGHT, FINE, UNLIMITED = "at_limit", "tight", "fine", "unlimited"
STATES = (AT_LIMIT, TIGHT, FINE, UNLIMITED)
LOOKS_BACK = clock.DAY
# Above these a line is tight, or at its limit. Units: hundredths of a per cent.
TIGHT_ABOVE, AT_LIMIT_ABOVE, SHOWN_FROM = 8000, 9500, 5000
WHOLE = 10_000


@dataclass(frozen=True, slots=True, order=True)
class LineKey:
    """What a line is about. `workspace_key` is empty for the organization, `pool` for ordinary use."""

    group_id: str
    pool: str
    workspace_key: str


@dataclass(frozen=True, slots=True)
class Against:
    """How a line stood beside one limiter.

    Units: tokens; `share` is the highest share of what was in force at the minute, in hundredths of a per cent, None
    where no limit was known. `limit` is what is in force now.
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
        if self.limiter in ("fast_otpm", "output_tokens_per_minute"):
            return "output"
        return "both" if self.limiter == "tokens_per_minute" else "input"


@dataclass(frozen=True, slots=True)
class Line:
    """One group and pool of the organization or of a workspace; `binding` is the limiter it comes closest to."""

    key: LineKey
    group: str
    against: tuple[Against, ...]

    @property
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

    `idle` are the groups of models without any use, `limits` what is configured now.
    """

    since: datetime
    until: datetime
    lines: tuple[Line, ...]
    idle: tuple[Group, ...]
    limits: Limits

    @property
    def shown(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.is_shown)

    @property
    def folded(self) -> tuple[Line, ...]:
        """The lines that are far from their limits, or of which none is known."""
        return tuple(line for line in self.lines if not line.is_shown)

    def counts(self) -> dict[str, int]:
        """How many lines are in each state."""
        return {state: sum(line.state == state for line in self.lines) for state in STATES}


def lines(organization: Organization, workspace: str | None = None) -> Lines:
    """The lines of the last 24 hours, of all workspaces or of one with the organization's beside it."""
    until = clock.floor_hour(clock.now()) + clock.HOUR
    since = until - LOOKS_BACK
    limits = limits_now(organization)
    rows = LimitHour.objects.filter(organization=organization, hour__gte=since, hour__lt=until)
    if workspace is not None:
        rows = rows.filter(workspace_key__in=(ORGANIZATION_WIDE, workspace))
    share = Case(
        When(limit__gt=0, then=F("peak") * Value(WHOLE) / F("limit")),
        # A limit of nothing is used up by anything.
        When(limit=0, then=Value(WHOLE)),
        output_field=BigIntegerField(),
    )
    sums = (
        rows.values_list("group_id", "pool", "workspace_key", "limiter")
        .annotate(
            called=Max("group"),
            highest=Max(share),
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
    for group_id, pool, key, limiter, group, highest, *counts in sums:
        if key not in known:
            known[key] = _known(limits, key)
        name = (group_id, limiter) if pool in LIMITED_POOLS else ("", "")
        limit, source = known[key].get(name, (None, "organization"))
        against = Against(limiter, limit, source, highest, *(int(count) for count in counts))
        found.setdefault(LineKey(group_id, pool, key), (group, []))[1].append(against)
    made = [Line(key, group, tuple(sorted(of, key=_order))) for key, (group, of) in found.items()]
    used = {line.key.group_id for line in made}
    idle = tuple(group for group in limits.groups.values() if group.models is not None and group.id not in used)
    return Lines(since, until, tuple(sorted(made, key=_urgency)), idle, limits)


def last_hour(organization: Organization, shown: Iterable[Line], through: datetime) -> dict[LineKey, list[int]]:
    """Sixty minutes of each line's binding limiter up to a minute. Units: tokens."""
    wanted = {line.key: line.binding.limiter for line in shown}
    hour = clock.floor_hour(through - clock.HOUR)
    rows = LimitHour.objects.filter(
        organization=organization,
        hour__in=(hour, hour + clock.HOUR),
        group_id__in={key.group_id for key in wanted},
        workspace_key__in={key.workspace_key for key in wanted},
    )
    minutes = {key: [0] * (2 * AN_HOUR) for key in wanted}
    columns = ("group_id", "pool", "workspace_key", "limiter", "hour", "values")
    for group_id, pool, workspace, limiter, at, values in rows.values_list(*columns):
        key = LineKey(group_id, pool, workspace)
        if wanted.get(key) == limiter:
            place = 0 if at == hour else AN_HOUR
            minutes[key][place : place + AN_HOUR] = unpack(values)
    end = (through - hour) // clock.MINUTE
    return {key: values[end - AN_HOUR : end] for key, values in minutes.items()}


def _known(limits: Limits, workspace: str) -> dict[tuple[str, str], tuple[int | None, str]]:
    return {(one.group.id, one.limiter): (one.value, one.source) for one in limits.of(workspace)}


def _order(one: Against) -> tuple[int, str]:
    return (list(LIMITERS).index(one.limiter) if one.limiter in LIMITERS else len(LIMITERS), one.limiter)


def _urgency(line: Line) -> tuple[int, int, int, LineKey]:
    binding = line.binding
    return (STATES.index(line.state), -binding.minutes_over_80, -(binding.share or 0), line.key)
