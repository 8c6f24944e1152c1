"""Amounts for pages: what was reported, and usage at the organization's rates, by the values of one dimension."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from costwatch.directory.models import Organization
from costwatch.insights import cells
from costwatch.insights.periods import Period
from costwatch.insights.query import Query


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose spend: an organization's, or one workspace's (by the key facts use)."""

    organization: Organization
    workspace: str = ""

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        made: dict[str, tuple[str, ...]] = {"organization_id": (self.organization.external_id,)}
        return made | ({"workspace_id": (self.workspace,)} if self.workspace else {})


@dataclass(frozen=True, slots=True)
class Bounds:
    """An amount in pico-dollars that may be known only between two values; `unpriced_tokens` are not in it."""

    low: int = 0
    high: int = 0
    unpriced_tokens: int = 0

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    @property
    def is_something(self) -> bool:
        return bool(self.low or self.high or self.unpriced_tokens)

    def __add__(self, other: "Bounds") -> "Bounds":
        return Bounds(self.low + other.low, self.high + other.high, self.unpriced_tokens + other.unpriced_tokens)


def contracted(scope: Scope, period: Period) -> Bounds:
    """Usage of a period at the organization's rates."""
    return contracted_by(scope, period, "").get("", Bounds())


def contracted_by(scope: Scope, period: Period, dimension: str) -> dict[str, Bounds]:
    """Usage of a period at the organization's rates, by the values of a dimension."""
    sums: dict[str, Bounds] = {}
    for cell in usage(scope, period, (dimension,) if dimension else (), "total"):
        value = value_of(cell, dimension)
        sums[value] = sums.get(value, Bounds()) + bounds_of(cell)
    return sums


def reported_by_day(scope: Scope, period: Period, dimension: str) -> dict[tuple[date, str], int]:
    """The cost report by day and a dimension's value; lines without one go under their cost type in parentheses."""
    sums: dict[tuple[date, str], int] = {}
    for day, value, amount in _reported_by(scope, period, dimension, "day"):
        sums[day, value] = sums.get((day, value), 0) + amount
    return sums


def reported_by(scope: Scope, period: Period, dimension: str) -> dict[str, int]:
    """The cost report by a dimension's value over a whole period."""
    sums: dict[str, int] = {}
    for _, value, amount in _reported_by(scope, period, dimension, "total"):
        sums[value] = sums.get(value, 0) + amount
    return sums


def _reported_by(scope: Scope, period: Period, dimension: str, interval: str) -> Iterator[tuple[date, str, int]]:
    dims = (dimension, "cost_type") if dimension in ("model", "token_type") else (dimension,)
    for line in cells.reported_cells(_query(scope, period, dims, interval)):
        value = line.dims[0] or (f"({line.dims[1] or 'other'})" if len(line.dims) > 1 else "")
        yield line.day, value, line.amount


def reported(scope: Scope, period: Period | None) -> int:
    """The cost report over a period; nothing where there is none."""
    if period is None or period.since >= period.until:
        return 0
    return sum(line.amount for line in cells.reported_cells(_query(scope, period, (), "total")))


def usage(scope: Scope, period: Period, dims: tuple[str, ...], interval: str = "day") -> list[cells.Cell]:
    """Usage at every price by the values of dimensions; token kinds come with the cost type."""
    query = _query(scope, period, ((*dims, "cost_type") if dims == ("token_type",) else dims), interval)
    return list(cells.usage_cells(query, cells.prices_of(query)))


def _query(scope: Scope, period: Period, dims: Sequence[str], interval: str = "day") -> Query:
    return Query(period.since, period.until, interval, tuple(dims), scope.filters)


def value_of(cell: cells.Cell, dimension: str) -> str:
    """The value of a cell; web searches have no token kind and no model of their own, as in the cost report."""
    if not dimension:
        return ""
    if dimension == "token_type" and not cell.dims[0]:
        return f"({cell.dims[1]})"
    return cell.dims[0]


def bounds_of(cell: cells.Cell) -> Bounds:
    """What a cell costs at the organization's rates."""
    return Bounds(cell.contracted_low, cell.contracted_high, cell.unpriced_tokens)
