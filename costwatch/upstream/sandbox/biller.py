"""The sandbox's own rates: what usage is worth at list, and what the bill says.

It shares nothing with the product's price table, so that the two can disagree.
"""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from costwatch.upstream.sandbox.models import BY_NAME, UNKNOWN_MODEL

WEB_SEARCH = 10_000_000_000
CODE_EXECUTION_HOUR = 50_000_000_000
SESSION_HOUR = 80_000_000_000
UNPUBLISHED_TIERS = ("flex", "flex_discount")
BILLED_TIERS = ("standard", "batch")
METERS = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "web_search_requests",
)
Rates = tuple[int, int, int, int, int]
Counts = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Entry:
    first: int
    until: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything a price depends on, except the day."""

    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str


def _load() -> dict[tuple[str, str], list[_Entry]]:
    table: dict[tuple[str, str], list[_Entry]] = {}
    with (Path(__file__).parent / "rates.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            first = date.fromisoformat(row["from"]).toordinal()
            until = date.fromisoformat(row["until"] or "9999-12-31").toordinal()
            names = ("input", "write_5m", "write_1h", "read", "output")
            # One dollar per million tokens is one million pico-dollars per token.
            five = [int(Decimal(row[name]) * 1_000_000) for name in names]
            entry = _Entry(first, until, (five[0], five[1], five[2], five[3], five[4]))
            table.setdefault((row["kind"], row["model"]), []).append(entry)
    return table


_TABLE = _load()


def rates_in(kind: str, model: str, day: int) -> Rates | None:
    """The rates of one kind (standard, long, fast, private) in force on a day.

    Units: pico-dollars per token; `day` is a proleptic ordinal.
    """
    for entry in _TABLE.get((kind, model), ()):
        if entry.first <= day < entry.until:
            return entry.rates
    return None


def has_fast(model: str, day: int) -> bool:
    """Whether a model could run fast on a day."""
    return rates_in("fast", model, day) is not None


def _with_factors(rates: Rates, terms: Terms) -> Rates:
    over, under = 1, 1
    if terms.inference_geo == "us" and BY_NAME[terms.model].geo:
        over, under = over * 11, under * 10
    if terms.service_tier == "batch":
        under *= 2
    if under == 1:
        return rates
    first, second, third, fourth, fifth = (rate * over // under for rate in rates)
    return first, second, third, fourth, fifth


@lru_cache(maxsize=20_000)
def list_rates(terms: Terms, day: int) -> tuple[Rates, Rates] | None:
    """The lowest and the highest published rates that fit what a report row shows; None where nothing is published.

    Units: pico-dollars per token.
    """
    if terms.service_tier in UNPUBLISHED_TIERS:
        return None
    low = rates_in("standard", terms.model, day)
    if low is None:
        return None
    high = low
    long = rates_in("long", terms.model, day)
    if terms.speed == "fast":
        low = high = rates_in("fast", terms.model, day) or low
    elif terms.context_window == "200k-1M":
        low = high = long or low
    elif terms.model == "claude-haiku-5-5":
        # Its second step is at 100,000 tokens, inside what the report calls 0-200k.
        high = long or low
    return _with_factors(low, terms), _with_factors(high, terms)


@lru_cache(maxsize=20_000)
def billed_rates(terms: Terms, day: int, long_prompt: bool) -> Rates | None:
    """The rates on the bill; None for tiers the cost report leaves out.

    Units: pico-dollars per token.
    """
    if terms.service_tier not in BILLED_TIERS:
        return None
    if terms.model == UNKNOWN_MODEL:
        private = rates_in("private", terms.model, day)
        return _with_factors(private, terms) if private else None
    found = list_rates(terms, day)
    if found is None:
        return None
    return found[1] if long_prompt else found[0]


def amounts(counts: Counts, rates: Rates) -> tuple[int, int, int, int, int]:
    """What each kind of token costs.

    Units: pico-dollars.
    """
    return (
        counts[0] * rates[0],
        counts[1] * rates[1],
        counts[2] * rates[2],
        counts[3] * rates[3],
        counts[4] * rates[4],
    )


def cents(pico: int, digits: int = 0) -> str:
    """An amount as the cost report prints it: exact decimal cents, with at least `digits` decimals.

    Units: pico-dollars in, cents out (one cent is 10^10 pico-dollars).
    """
    whole, rest = divmod(abs(pico), 10**10)
    decimals = f"{rest:010d}".rstrip("0").ljust(digits, "0")
    sign = "-" if pico < 0 else ""
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"
