"""What applications saw of rate limits: what was left a moment ago, the least of a day, and refusals as they happened.

Only responses that were told are in here: what is not told is not zero.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min, Sum
from django.db.models.functions import TruncHour

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ledger.models import ObservedMinute
from costwatch.ledger.observations import RESPONSES

LIVE_FOR = timedelta(minutes=5)
HOURS, DAYS = 24, 7
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Live:
    """What the newest response told of one kind of pool. Units: as the kind says; None is not told.

    It is the tightest pool the request drew from: the workspace's, where that has a limit of its own, else the
    organization's.
    """

    kind: str
    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    observed_at: datetime
    workspace_key: str
    model: str

    def is_full(self, now: datetime) -> bool:
        """Whether the pool has filled again since, but for what nobody told us of: its reset has passed."""
        return self.reset_at is not None and self.reset_at <= now

    def left(self, now: datetime) -> int | None:
        """What is left by what was told: after the reset the whole limit."""
        return self.limit if self.is_full(now) else self.remaining


@dataclass(frozen=True, slots=True)
class Least:
    """The least that was left of one kind of pool within 24 hours, and the largest limit told in that time."""

    remaining: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Hour:
    """The responses told of one hour; `refused` are those with status 429."""

    start: datetime
    responses: int
    refused: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of some models, or of a workspace. Shape: by kind; 24 hours, oldest first, the last one not over.

    `responses` and `refused` are of seven days, in whole hours; `newest` is None where nothing was told in them.
    """

    live: Mapping[str, Live]
    least: Mapping[str, Least]
    hours: tuple[Hour, ...]
    responses: int
    refused: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class _Counted:
    workspace_key: str
    model: str
    hour: datetime
    responses: int
    refused: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything seen of an organization up to a moment: ask `of` for a part of it, without another query."""

    now: datetime
    live: tuple[Live, ...]
    least: Mapping[tuple[str, str, str], Least]
    counted: tuple[_Counted, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was told in seven days."""
        return not self.counted

    @property
    def models(self) -> frozenset[str]:
        """Every name of a model that was told; empty where none was."""
        told = {one.model for one in self.live} | {one.model for one in self.counted}
        return frozenset(told | {model for _, model, _ in self.least})

    def of(self, models: Collection[str] | None = None, workspace_key: str | None = None) -> Seen:
        """What was seen of some models (of all) and of a workspace (of every one, and of none that was named)."""

        def asked(workspace: str, model: str) -> bool:
            return (models is None or model in models) and workspace_key in (None, workspace)

        least: dict[str, Least] = {}
        for (workspace, model, kind), one in self.least.items():
            if asked(workspace, model):
                before = least.get(kind, one)
                least[kind] = Least(_known(min, before.remaining, one.remaining), _known(max, before.limit, one.limit))
        counted = [one for one in self.counted if asked(one.workspace_key, one.model)]
        return Seen(
            # Oldest first: the newest of a kind stays.
            live={one.kind: one for one in self.live if asked(one.workspace_key, one.model)},
            least=least,
            hours=tuple(self._hours(counted)),
            responses=sum(one.responses for one in counted),
            refused=sum(one.refused for one in counted),
            newest=max((one.newest for one in counted), default=None),
        )

    def _hours(self, counted: Iterable[_Counted]) -> Iterable[Hour]:
        first = clock.floor_hour(self.now) - (HOURS - 1) * HOUR
        sums = {first + place * HOUR: (0, 0) for place in range(HOURS)}
        for one in counted:
            if one.hour in sums:
                responses, refused = sums[one.hour]
                sums[one.hour] = responses + one.responses, refused + one.refused
        return (Hour(start, *both) for start, both in sums.items())


def observations(
    organization: Organization, now: datetime | None = None, live_for: timedelta = LIVE_FOR
) -> Observations:
    """What was seen of an organization; a response is live for a while.

    Three queries, each of one range of minutes; one where nothing was told in seven days.
    """
    now = now or clock.now()
    hour = clock.floor_hour(now)
    counted = tuple(_counted(organization, hour - (DAYS * 24 - 1) * HOUR))
    if not counted:
        return Observations(now, (), {}, ())
    return Observations(now, tuple(_live(organization, now - live_for)), _least(organization, now - clock.DAY), counted)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals of seven days of one model, or without one (""). `newest` is the minute of the last."""

    model: str
    refused: int
    newest: datetime


def refusals(organization: Organization, workspace_key: str = "") -> list[Refusals]:
    """The refusals of every workspace or of one, by model."""
    since = clock.floor_hour(clock.now()) - (DAYS * 24 - 1) * HOUR
    rows = ObservedMinute.objects.filter(organization=organization, minute__gte=since, kind=RESPONSES, refused__gt=0)
    if workspace_key:
        rows = rows.filter(workspace_key=workspace_key)
    sums = rows.values_list("model").annotate(Sum("refused"), Max("minute")).order_by("model")
    return [Refusals(model, int(refused), newest) for model, refused, newest in sums]


def _live(organization: Organization, since: datetime) -> Iterable[Live]:
    rows = ObservedMinute.objects.filter(
        # A minute that began before may hold what came within.
        organization=organization,
        minute__gte=since.replace(second=0, microsecond=0),
        observed_at__gte=since,
    ).exclude(kind=RESPONSES)
    columns = ("kind", "limit", "remaining", "reset_at", "observed_at", "workspace_key", "model")
    return (Live(*row) for row in rows.order_by("observed_at", "pk").values_list(*columns))


def _least(organization: Organization, since: datetime) -> dict[tuple[str, str, str], Least]:
    rows = (
        ObservedMinute.objects.filter(organization=organization, minute__gte=since)
        .exclude(kind=RESPONSES)
        .values_list("workspace_key", "model", "kind")
        .annotate(Min("least_remaining"), Max("limit"))
        .order_by()
    )
    return {(workspace, model, kind): Least(least, limit) for workspace, model, kind, least, limit in rows}


def _counted(organization: Organization, since: datetime) -> Iterable[_Counted]:
    rows = (
        ObservedMinute.objects.filter(organization=organization, minute__gte=since, kind=RESPONSES)
        .annotate(hour=TruncHour("minute"))
        .values_list("workspace_key", "model", "hour")
        .annotate(Sum("responses"), Sum("refused"), Max("observed_at"))
        .order_by()
    )
    return (_Counted(*row) for row in rows)


def _known(which: Callable[[Iterable[int]], int], *values: int | None) -> int | None:
    told = [value for value in values if value is not None]
    return which(told) if told else None
