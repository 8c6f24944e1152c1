"""Every source: what is asked of it, how often, how far back, and who reads and records it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from costwatch import clock
from costwatch.clock import DAY, HOUR
from costwatch.directory import mirror
from costwatch.directory.models import Organization
from costwatch.ingest import analytics, claude_code, cost, headroom, minutes, pace, usage
from costwatch.ingest.chains import Reader as UsageReader
from costwatch.ingest.colours import give_colours
from costwatch.ingest.connect import Connection
from costwatch.ingest.history import since
from costwatch.ingest.plan import Cadence, Planned
from costwatch.ingest.planners import Buckets, Room, by_age, by_minute
from costwatch.ingest.split import Names
from costwatch.ingest.weight import Fit, fit_hours, fit_minutes
from costwatch.ledger import analytics as analytics_ledger
from costwatch.ledger import claude_code as claude_code_ledger
from costwatch.ledger import partitions
from costwatch.ledger.intern import Interned
from costwatch.ledger.prices import Prices
from costwatch.ledger.rollup import refresh_series_months
from costwatch.upstream.client import AdminClient

DIRECTORY, LIMITS_SOURCE = "directory", "limits"
COST_SOURCE, USAGE_SOURCE, MINUTES_SOURCE = cost.SOURCE, usage.SOURCE, minutes.SOURCE
ANALYTICS_SOURCE, CLAUDE_CODE_SOURCE = analytics.SOURCE, claude_code.SOURCE
Mirroring = Callable[[Organization, AdminClient, datetime], int]


class Reader(Protocol):
    """Reads windows; used from several threads, touches no database."""

    def read(self, planned: Planned, limit: int = 0) -> Any:
        """What the vendor says about a window. Raises: UpstreamError."""


class Recorder(Protocol):
    """Records windows: the one thread that writes."""

    rows_read: int
    rows_changed: int

    def record(self, answer: Any, now: datetime) -> None:
        """Write down what was read of a window."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run works with: whom it reads, at which prices, under which right to write, kept by renewing it."""

    connection: Connection
    prices: Prices
    fence: Callable[[], None]
    renew: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Windowed:
    """A source that is read in windows of time.

    Shape: `late_after` is twice and more of what its cadence asks for; `fit` says how much a page and a window hold
    where that depends on the organization; `horizon` is how far back it is ever read and `first` its first day, None
    for as far as there is history; `compares`: it has control totals; `needs_names`: the directory is read before it;
    `slices` is how many of its windows are asked for at once; `after` makes what is made of the rows of a whole run;
    `covers` names its coverage where that is not its name.
    """

    name: str
    label: str
    endpoint: str
    cadence: Cadence
    budget: pace.Budget
    reader: Callable[[Work], Reader]
    recorder: Callable[[Work, Reader, int], Recorder]
    late_after: timedelta
    planner: Callable[[Buckets, datetime, Room | None], list[Planned]] = by_age
    fit: Callable[[Connection, int], Fit] | None = None
    horizon: timedelta | None = None
    first: date | None = None
    compares: bool = False
    slices: int = 4
    needs_names: bool = False
    after: Callable[[Work], None] | None = None
    covers: tuple[str, ...] = ()

    @property
    def coverage(self) -> tuple[str, ...]:
        """The names under which its coverage is kept."""
        return self.covers or (self.name,)

    def since(self, organization: Organization, now: datetime) -> datetime:
        """The first moment that is read."""
        return clock.midnight(since(organization, now, self.name, self.horizon, self.first))


@dataclass(frozen=True, slots=True)
class Listed:
    """A source that is read whole, every so often: lists of objects.

    Shape: `needed` are the parts without which the others say little; the rest may be refused one by one;
    `needs_names`: the directory is read before it; `after` makes what is made of them.
    """

    name: str
    label: str
    every: timedelta
    late_after: timedelta
    parts: tuple[tuple[str, Mirroring], ...]
    needed: tuple[str, ...] = ()
    needs_names: bool = False
    after: Callable[[Organization], None] | None = None


def _usage_reader(work: Work) -> UsageReader:
    return UsageReader(work.connection.client, work.prices, work.connection.organization.reads_speed)


def _usage_recorder(work: Work, reader: Reader, run: int) -> usage.Recorder:
    organization = work.connection.organization
    assert isinstance(reader, UsageReader)
    names = Names(mirror.default_workspace_id(organization))
    return usage.Recorder(organization.pk, Interned(organization.pk), work.prices, run, names, work.fence, reader)


def _cost_reader(work: Work) -> cost.Reader:
    return cost.Reader(work.connection.client)


def _cost_recorder(work: Work, _: Reader, run: int) -> cost.Recorder:
    organization = work.connection.organization
    default = mirror.default_workspace_id(organization)
    return cost.Recorder(organization.pk, Interned(organization.pk), run, default, fence=work.fence)


def _minute_reader(work: Work) -> minutes.Reader:
    return minutes.Reader(work.connection.client, work.connection.organization.reads_speed)


def _minute_recorder(work: Work, _: Reader, run: int) -> minutes.Recorder:
    organization = work.connection.organization
    names = Names(mirror.default_workspace_id(organization))
    return minutes.Recorder(organization.pk, Interned(organization.pk), run, names, work.fence)


def _after_usage(work: Work) -> None:
    refresh_series_months(organization_id=work.connection.organization.pk, fence=work.fence)


def _after_cost(work: Work) -> None:
    give_colours(work.connection.organization)


def _after_minutes(work: Work) -> None:
    headroom.make_hours(work.connection.organization, clock.now(), work.renew)
    headroom.make_days(work.connection.organization, clock.now(), work.renew)


def _after_limits(organization: Organization) -> None:
    """The first limits make every hour anew: until then each was held against nothing."""
    headroom.make_hours(organization, clock.now(), lambda: None)
    headroom.make_days(organization, clock.now(), lambda: None)


def _analytics_reader(work: Work) -> analytics.Reader:
    return analytics.Reader(work.connection.client)


def _analytics_recorder(work: Work, reader: Reader, run: int) -> analytics.Recorder:
    organization = work.connection.organization
    assert isinstance(reader, analytics.Reader)
    numbered = analytics_ledger.Numbered.of(organization.pk)
    default = mirror.default_workspace_id(organization)
    return analytics.Recorder(organization.pk, numbered, run, default, work.fence, reader)


def _claude_code_reader(work: Work) -> claude_code.Reader:
    return claude_code.Reader(work.connection.client)


def _claude_code_recorder(work: Work, _: Reader, run: int) -> claude_code.Recorder:
    organization = work.connection.organization
    return claude_code.Recorder(organization.pk, claude_code_ledger.Numbered.of(organization.pk), run, work.fence)


USAGE = Windowed(
    USAGE_SOURCE,
    "Usage, hours",
    "usage_report/messages",
    Cadence(HOUR, 168, ((2 * DAY, HOUR / 20), (7 * DAY, 6 * HOUR), (35 * DAY, DAY), (90 * DAY, 30 * DAY))),
    pace.USAGE,
    _usage_reader,
    _usage_recorder,
    timedelta(minutes=30),
    fit=fit_hours,
    compares=True,
    after=_after_usage,
)
COST = Windowed(
    COST_SOURCE,
    "Cost report",
    "cost_report",
    Cadence(DAY, 31, ((7 * DAY, HOUR), (35 * DAY, DAY), (90 * DAY, 30 * DAY))),
    pace.OWN,
    _cost_reader,
    _cost_recorder,
    3 * HOUR,
    compares=True,
    after=_after_cost,
)
MINUTES = Windowed(
    MINUTES_SOURCE,
    "Usage, minutes",
    "usage_report/messages",
    Cadence(HOUR, 24, ((DAY, HOUR),)),
    pace.MINUTES,
    _minute_reader,
    _minute_recorder,
    timedelta(minutes=30),
    planner=by_minute,
    fit=fit_minutes,
    horizon=partitions.DAYS * DAY,
    slices=2,
    after=_after_minutes,
)
CLAUDE_CODE = Windowed(
    CLAUDE_CODE_SOURCE,
    "Claude Code",
    "usage_report/claude_code",
    Cadence(DAY, 31, ((7 * DAY, DAY),)),
    pace.OWN,
    _claude_code_reader,
    _claude_code_recorder,
    2 * DAY,
)
ANALYTICS = Windowed(
    ANALYTICS_SOURCE,
    "Usage and cost analytics",
    "analytics",
    Cadence(DAY, 31, ((3 * DAY, 6 * HOUR), (31 * DAY, DAY))),
    pace.OWN,
    _analytics_reader,
    _analytics_recorder,
    DAY,
    # Nothing is told of what is older than a year, or from before the analytics began.
    horizon=364 * DAY,
    first=date(2026, 1, 1),
    slices=2,
    # It gives the default workspace by its real id: until the directory is read that is a name like any other.
    needs_names=True,
    covers=(analytics.USAGE_COVERAGE, analytics.COST_COVERAGE),
)
LISTS = Listed(
    DIRECTORY,
    "Directory",
    HOUR,
    3 * HOUR,
    (
        ("organization", mirror.mirror_organization),
        ("workspaces", mirror.mirror_workspaces),
        ("api_keys", mirror.mirror_api_keys),
        ("users", mirror.mirror_members),
        ("invites", mirror.mirror_invites),
        ("workspace_members", mirror.mirror_workspace_members),
        ("service_accounts", mirror.mirror_service_accounts),
        ("models", mirror.mirror_models),
    ),
    needed=("workspaces", "api_keys", "users"),
)
LIMITS = Listed(
    LIMITS_SOURCE,
    "Limits",
    HOUR,
    3 * HOUR,
    (("rate_limits", mirror.mirror_rate_limits), ("spend_limits", mirror.mirror_spend_limits)),
    # Of which workspaces there may be limits.
    needs_names=True,
    after=_after_limits,
)
# In the order they are read: names first, then where history begins, then what takes longest.
EVERY: Mapping[str, Windowed | Listed] = {
    one.name: one for one in (LISTS, LIMITS, COST, USAGE, MINUTES, ANALYTICS, CLAUDE_CODE)
}
SOURCES = tuple(EVERY)
# What finance reads by; without the others the amounts are as exact.
NEEDED = (DIRECTORY, COST_SOURCE, USAGE_SOURCE)
# What amounts are made of: closed to the key, it is missing; every other source an organization may do without.
BASIS = USAGE_SOURCE
# As they are listed to people: what amounts are made of first.
WINDOWED: Mapping[str, Windowed] = {one.name: one for one in (USAGE, COST, MINUTES, ANALYTICS, CLAUDE_CODE)}
# Every kind of coverage there is, by its name.
COVERED: Mapping[str, Windowed] = {name: one for one in WINDOWED.values() for name in one.coverage}
