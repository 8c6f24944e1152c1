"""The values a price table is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pricing.meters import METERS

STANDARD, LONG_CONTEXT, FAST, FAST_LONG_CONTEXT = "standard", "long_context", "fast", "fast_long_context"
KINDS: tuple[str, ...] = (STANDARD, LONG_CONTEXT, FAST, FAST_LONG_CONTEXT)
FACTORS: tuple[str, ...] = ("batch", "us")
CONFIDENCES: tuple[str, ...] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a price table is refused, with its place."""

    file: str
    entry: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.entry}" if self.entry else self.file
        return f"{place}: {self.reason}"


class PriceTableError(ValueError):
    """A price table that cannot be used; `problems` holds everything wrong with it, not only the first thing."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in which file something was declared."""

    file: str
    label: str
    rank: int  # position of the file: 0 is the table, overlays follow

    def problem(self, reason: str) -> Problem:
        """The problem `reason` at this place."""
        return Problem(self.file, self.label, reason)


@dataclass(frozen=True, slots=True)
class ModelDeclaration:
    """What one file says about one model; an overlay may say less than everything."""

    id: str
    aliases: tuple[str, ...]
    display_name: str | None
    family: str | None
    retired_on: date | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its names and its life, without prices."""

    id: str
    aliases: tuple[str, ...]
    display_name: str
    family: str
    launched: date
    retired_on: date | None


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which something is in force: from the first inclusive to the last exclusive, or for ever."""

    start: date
    end: date | None

    def holds(self, day: date) -> bool:
        """Whether `day` is inside."""
        return self.start <= day and (self.end is None or day < self.end)

    def meets(self, other: Span) -> bool:
        """Whether any day is in both."""
        return (other.end is None or self.start < other.end) and (self.end is None or other.start < self.end)


@dataclass(frozen=True, slots=True)
class Entry:
    """The prices of one model and kind over one span.

    Units: `rates` are pico-dollars per token in the order of TOKEN_METERS, None where no price is published.
    """

    model: str
    kind: str
    span: Span
    threshold_tokens: int | None
    rates: tuple[int | None, ...]
    batch: bool
    geo: bool
    source: str
    checked: date
    confidence: str
    notes: str
    origin: Origin

    @property
    def name(self) -> str:
        """How pages and quotes name the entry."""
        return f"{self.model} {self.kind} {self.span.start}"

    @property
    def series(self) -> tuple[str, ...]:
        """Entries of one series may not overlap."""
        return (self.model, self.kind)


@dataclass(frozen=True, slots=True)
class Factor:
    """A multiplier of token prices over one span.

    Units: the exact fraction `numerator / denominator`.
    """

    factor: str
    text: str
    numerator: int
    denominator: int
    span: Span
    source: str
    checked: date
    confidence: str
    notes: str
    origin: Origin

    @property
    def name(self) -> str:
        """How quotes name the factor, for example `batch 0.5`."""
        return f"{self.factor} {self.text}"

    @property
    def series(self) -> tuple[str, ...]:
        """Factors of one series may not overlap."""
        return ("factor", self.factor)


@dataclass(frozen=True, slots=True)
class ToolPrice:
    """The price of one server tool over one span.

    Units: `price` is pico-dollars per `unit`.
    """

    tool: str
    price: int
    unit: str
    span: Span
    source: str
    checked: date
    confidence: str
    notes: str
    origin: Origin

    @property
    def name(self) -> str:
        """How pages name the entry."""
        return f"{self.tool} {self.span.start}"

    @property
    def series(self) -> tuple[str, ...]:
        """Prices of one tool may not overlap."""
        return ("tool", self.tool)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates in force for one question, after every factor.

    Units: pico-dollars per token, and per request for web searches; six each, in the order of METERS.
    Shape: `high` equals `low` unless a threshold is hidden inside the context window the report shows; `exact` is that
    one price per meter where every meter has one.
    """

    model: str | None
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]
    reasons: tuple[str | None, ...]
    warnings: tuple[str, ...]
    entry: str
    source: str
    checked: str
    factors: tuple[str, ...]
    exact: tuple[int, ...] | None = field(init=False, repr=False, compare=False)

    @property
    def is_range(self) -> bool:
        """Whether two prices are possible."""
        return self.low != self.high

    def __post_init__(self) -> None:
        if not len(self.low) == len(self.high) == len(self.reasons) == len(METERS):
            raise ValueError("rates need one value per meter")
        prices = tuple(price for price in self.low if price is not None)
        is_exact = len(prices) == len(METERS) and not self.is_range
        object.__setattr__(self, "exact", prices if is_exact else None)
