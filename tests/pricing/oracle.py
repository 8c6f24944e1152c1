"""A second opinion on every price: the published rows as a CSV, the rules written again with fractions.

Nothing here is imported from the package under test.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path

COLUMNS = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
METER_NAMES = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)
with (Path(__file__).parent / "prices.csv").open(newline="") as _file:
    ROWS = list(csv.DictReader(_file))


@dataclass
class Verdict:
    """What the oracle says a quote must be; `low` and `high` in USD."""

    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        if self.reasons:
            return "unpriced"
        return "priced" if self.low == self.high else "range"


def names() -> list[str]:
    """Every id and alias."""
    return sorted({name for row in ROWS for name in _names(row)})


def change_days() -> list[date]:
    """Every day on which the CSV says something changes."""
    keys = ("effective_from", "effective_to", "retired_on")
    return sorted({date.fromisoformat(row[key]) for row in ROWS for key in keys if row[key]})


def judge(
    model: str,
    day: date,
    tier: str | None,
    context: str | None,
    geo: str | None,
    speed: str | None,
    tokens: tuple[int, ...],
    searches: int,
) -> Verdict:
    """Price one quote by the written rules."""
    verdict = Verdict()
    if searches:
        if day >= date(2025, 5, 7):
            verdict.low = verdict.high = Fraction(searches, 100)
        else:
            verdict.reasons["web_search_requests"] = "no_price_for_date"
    mine = [row for row in ROWS if model in _names(row)]
    if not mine:
        return _all(verdict, tokens, "unknown_model")
    standard = _row(mine, "standard", False, day)
    if standard is None:
        return _all(verdict, tokens, "no_price_for_date")
    short = _warn(verdict, mine, standard, day, tier, geo, speed)
    long = _row(mine, "fast" if short["price_kind"] == "fast" else "long_context", True, day)
    if tier not in ("standard", "batch", "priority", "priority_on_demand", "", None):
        return _all(verdict, tokens, "no_price_for_tier")
    if context not in ("0-200k", "200k-1M", "", None) or speed not in ("standard", "fast", "", None):
        return _all(verdict, tokens, "no_price_for_tier")
    if geo not in ("global", "us", "not_available", "", None) or (tier == "batch" and not short["batch_input"]):
        return _all(verdict, tokens, "no_price_for_tier")
    low = high = short
    if long is not None and context == "200k-1M":
        low = high = long
    elif long is not None and int(long["prompt_threshold_tokens"]) < 200_000:
        high = long
    factor = Fraction(1, 2) if tier == "batch" else Fraction(1)
    if geo == "us":
        factor *= Fraction(short["geo_multiplier_us"])
    for name, column, quantity in zip(METER_NAMES, COLUMNS, tokens, strict=True):
        if quantity and not low[column]:
            verdict.reasons[name] = "no_price_for_meter"
        elif quantity:
            verdict.low += Fraction(low[column]) * factor * quantity / 1_000_000
            verdict.high += Fraction(high[column]) * factor * quantity / 1_000_000
    if verdict.low != verdict.high:
        verdict.warnings.add("threshold_not_visible")
    return verdict


def _warn(
    verdict: Verdict,
    mine: list[dict[str, str]],
    standard: dict[str, str],
    day: date,
    tier: str | None,
    geo: str | None,
    speed: str | None,
) -> dict[str, str]:
    short = standard
    if speed == "fast":
        fast = None if tier == "batch" else _row(mine, "fast", False, day)
        if fast is None:
            verdict.warnings.add("fast_not_available")
        short = fast or standard
    if any(row["retired_on"] and day > date.fromisoformat(row["retired_on"]) for row in mine):
        verdict.warnings.add("after_retirement")
    if geo == "us" and short["geo_multiplier_us"] == "1":
        verdict.warnings.add("geo_not_supported_by_model")
    if tier in ("priority", "priority_on_demand"):
        verdict.warnings.add("priority_excluded_from_cost_report")
    return short


def _names(row: dict[str, str]) -> list[str]:
    return [row["model_id"], *filter(None, row["aliases"].split(";"))]


def _row(rows: list[dict[str, str]], kind: str, above_threshold: bool, day: date) -> dict[str, str] | None:
    found = [
        row
        for row in rows
        if row["price_kind"] == kind
        and bool(row["prompt_threshold_tokens"]) is above_threshold
        and date.fromisoformat(row["effective_from"]) <= day
        and (not row["effective_to"] or day < date.fromisoformat(row["effective_to"]))
    ]
    assert len(found) <= 1, f"two prices on {day}: {found}"
    return found[0] if found else None


def _all(verdict: Verdict, tokens: tuple[int, ...], reason: str) -> Verdict:
    for name, quantity in zip(METER_NAMES, tokens, strict=True):
        if quantity:
            verdict.reasons[name] = reason
    return verdict
