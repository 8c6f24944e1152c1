"""Recording and reading the usage and cost analytics: days are replaced as sets, changes after the end are kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Sum

from costwatch.ledger.dimensions import NOTHING, Counts
from costwatch.ledger.intern import Numbers
from costwatch.ledger.models import AnalyticsCost, AnalyticsCostSeries, AnalyticsSeries, AnalyticsUsage
from costwatch.ledger.record import Recorded
from costwatch.ledger.store import store
from costwatch.ledger.store.base import Row
from costwatch.ledger.store.tables import (
    ANALYTICS_COST,
    ANALYTICS_COST_REVISION,
    ANALYTICS_USAGE,
    ANALYTICS_USAGE_REVISION,
)
from costwatch.money import ExactSum


class AnalyticsDims(NamedTuple):
    """What analytics usage belongs to. `speed` is empty where nobody asked for it."""

    api_key_id: str
    actor_type: str
    actor_id: str
    workspace_id: str
    model: str
    service_tier: str
    speed: str = ""


class AnalyticsCostDims(NamedTuple):
    """What analytics cost belongs to: the same, by cost type, token type and currency."""

    api_key_id: str
    actor_type: str
    actor_id: str
    workspace_id: str
    model: str
    service_tier: str
    speed: str = ""
    cost_type: str = ""
    token_type: str = ""
    currency: str = "USD"


class Used(NamedTuple):
    """Six counts in the order of the meters, and requests where the vendor counts them."""

    counts: Counts
    requests: int | None


class Cost(NamedTuple):
    """What is paid after discounts, and what it would be at list. Units: pico-dollars; the vendor's text in cents."""

    amount: int
    list_amount: int
    amount_cents: str
    list_cents: str


@dataclass(frozen=True, slots=True)
class UsedDay:
    """The usage of one day. `revises` says that it had ended, and had been read before."""

    day: date
    rows: Mapping[AnalyticsDims, Used]
    revises: bool = False


@dataclass(frozen=True, slots=True)
class CostDay:
    """The cost of one day. `revises` says that it had ended, and had been read before."""

    day: date
    rows: Mapping[AnalyticsCostDims, Cost]
    revises: bool = False


@dataclass(frozen=True, slots=True)
class Numbered:
    """The numbers of an organization's dimensions in the analytics, remembered for one run."""

    organization_id: int
    usage: Numbers[AnalyticsDims]
    cost: Numbers[AnalyticsCostDims]

    @classmethod
    def of(cls, organization_id: int) -> "Numbered":
        """An organization's, none of them met yet."""
        return cls(
            organization_id, Numbers(organization_id, AnalyticsSeries), Numbers(organization_id, AnalyticsCostSeries)
        )


def record_usage(*, numbered: Numbered, days: Sequence[UsedDay], run: int, seen_at: datetime) -> Recorded:
    """Replace the usage of some days, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions numbered before it.
    """
    ids = numbered.usage.of()
    wanted = {day.day: {ids[dims]: (*used.counts, used.requests) for dims, used in day.rows.items()} for day in days}
    replaced = store().replace(ANALYTICS_USAGE, numbered.organization_id, wanted, (run,))
    store().append(
        ANALYTICS_USAGE_REVISION,
        [
            (numbered.organization_id, day, series, *_more(old, new), seen_at, run)
            for day in _revised(days)
            for series, old, new in replaced.differences.get(day, ())
        ],
    )
    return Recorded(replaced.rows, frozenset(replaced.differences))


def record_cost(*, numbered: Numbered, days: Sequence[CostDay], run: int, seen_at: datetime) -> Recorded:
    """Replace the cost of some days, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions numbered before it.
    """
    ids = numbered.cost.of()
    wanted = {day.day: {ids[dims]: tuple(cost) for dims, cost in day.rows.items()} for day in days}
    replaced = store().replace(ANALYTICS_COST, numbered.organization_id, wanted, (run,))
    store().append(
        ANALYTICS_COST_REVISION,
        [
            (numbered.organization_id, day, series, *_dearer(old, new), seen_at, run)
            for day in _revised(days)
            for series, old, new in replaced.differences.get(day, ())
        ],
    )
    return Recorded(replaced.rows, frozenset(replaced.differences))


def _revised(days: Iterable[UsedDay | CostDay]) -> list[date]:
    return [day.day for day in days if day.revises]


def _more(old: Row | None, new: Row | None) -> Row:
    """What was added; requests that one side does not know count as none."""
    before, after = old or (*NOTHING, None), new or (*NOTHING, None)
    counts = tuple(late - early for early, late in zip(before[:6], after[:6], strict=True))
    unknown = before[6] is None and after[6] is None
    return (*counts, None if unknown else (after[6] or 0) - (before[6] or 0))


def _dearer(old: Row | None, new: Row | None) -> Row:
    before, after = (old or (0, 0))[:2], (new or (0, 0))[:2]
    return after[0] - before[0], after[1] - before[1]


class DayCost(NamedTuple):
    """What one workspace's day cost by the analytics. Units: pico-dollars, where the currency is USD."""

    day: date
    workspace_id: str
    currency: str
    amount: int
    list_amount: int


class DayRequests(NamedTuple):
    """How many requests one model answered a workspace on a day; None where the vendor does not count them."""

    day: date
    workspace_id: str
    model: str
    requests: int | None


def cost_by_day(*, organization_id: int, since: date, until: date) -> tuple[DayCost, ...]:
    """Analytics cost of [since, until) by day and workspace, never of two currencies in one figure."""
    rows = (
        AnalyticsCost.objects.filter(day__gte=since, day__lt=until, series__organization=organization_id)
        .values("day", "series__workspace_id", "series__currency")
        .annotate(sum_amount=ExactSum("amount"), sum_list=ExactSum("list_amount"))
        .order_by("day", "series__workspace_id", "series__currency")
        .values_list("day", "series__workspace_id", "series__currency", "sum_amount", "sum_list")
    )
    return tuple(DayCost(*row) for row in rows)


def requests_by_day(*, organization_id: int, since: date, until: date) -> tuple[DayRequests, ...]:
    """Requests of [since, until) by day, workspace and model."""
    rows = (
        AnalyticsUsage.objects.filter(day__gte=since, day__lt=until, series__organization=organization_id)
        .values("day", "series__workspace_id", "series__model")
        .annotate(sum_requests=Sum("requests"))
        .order_by("day", "series__workspace_id", "series__model")
        .values_list("day", "series__workspace_id", "series__model", "sum_requests")
    )
    return tuple(DayRequests(*row) for row in rows)
