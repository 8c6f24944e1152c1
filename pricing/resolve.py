"""Which rates answer one question: model, day, tier, context window, geography, speed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pricing.merge import Content
from pricing.meters import TOKEN_METERS
from pricing.schema import FAST, FAST_LONG_CONTEXT, LONG_CONTEXT, STANDARD, Entry, Factor, Model, Rates, ToolPrice

UNKNOWN = "?"
# The vendor's values, folded to what makes a difference to the price. Anything else is UNKNOWN and never priced.
TIERS = {
    None: "standard",
    "": "standard",
    "standard": "standard",
    "batch": "batch",
    "priority": "priority",
    "priority_on_demand": "priority",
}
CONTEXTS = {None: "short", "": "short", "0-200k": "short", "200k-1M": "long"}
GEOS = {None: "global", "": "global", "global": "global", "not_available": "global", "us": "us"}
SPEEDS = {None: "standard", "": "standard", "standard": "standard", "fast": "fast"}
# A prompt at the edge itself still belongs to the lower window.
_WINDOW_EDGE = 200_000

_NOTHING: tuple[None, ...] = (None,) * len(TOKEN_METERS)


def entry_on(content: Content, model: str, kind: str, day: date) -> Entry | None:
    """The entry of one model and kind in force on a day."""
    for entry in content.entries:
        if entry.model == model and entry.kind == kind and entry.span.holds(day):
            return entry
    return None


def unpriced(model: str | None, reason: str, web: ToolPrice | None) -> Rates:
    """Rates without any token price, all for the same reason."""
    return _rates(model, _NOTHING, _NOTHING, (reason,) * len(TOKEN_METERS), web, (), (), ())


def resolve(
    content: Content, model: Model, day: date, tier: str, context: str, geo: str, speed: str, web: ToolPrice | None
) -> Rates:
    """The rates for folded values; see TIERS, CONTEXTS, GEOS and SPEEDS."""
    if entry_on(content, model.id, STANDARD, day) is None:
        return unpriced(model.id, "no_price_for_date", web)
    base, long = _entries(content, model.id, day, tier, speed)
    low, high = _window(base, long, context)
    used = (low,) if low is high else (low, high)
    factors = _factors(content.factors, used, day, tier, geo)
    warnings = _warnings(model, base, day, tier, geo, speed)
    if UNKNOWN in (tier, context, geo, speed) or factors is None:
        reasons: tuple[str | None, ...] = ("no_price_for_tier",) * len(TOKEN_METERS)
        return _rates(model.id, _NOTHING, _NOTHING, reasons, web, warnings, used, ())
    if low is not high:
        warnings += ("threshold_not_visible",)
    bounds = [_bounds(*pair, factors) for pair in zip(low.rates, high.rates, strict=True)]
    reasons = tuple("no_price_for_meter" if bound is None else None for bound in bounds)
    lows = tuple(None if bound is None else bound[0] for bound in bounds)
    highs = tuple(None if bound is None else bound[1] for bound in bounds)
    return _rates(model.id, lows, highs, reasons, web, warnings, used, factors)


def _entries(content: Content, model: str, day: date, tier: str, speed: str) -> tuple[Entry, Entry | None]:
    if speed == "fast" and tier != "batch":
        fast = entry_on(content, model, FAST, day)
        if fast is not None:
            return fast, entry_on(content, model, FAST_LONG_CONTEXT, day)
    standard = entry_on(content, model, STANDARD, day)
    assert standard is not None  # resolve() asked before
    return standard, entry_on(content, model, LONG_CONTEXT, day)


def _window(base: Entry, long: Entry | None, context: str) -> tuple[Entry, Entry]:
    if long is None or long.threshold_tokens is None:
        return base, base
    if context == "long":
        return (long, long) if long.threshold_tokens <= _WINDOW_EDGE else (base, long)
    return (base, base) if long.threshold_tokens >= _WINDOW_EDGE else (base, long)


def _factors(
    factors: Sequence[Factor], used: Sequence[Entry], day: date, tier: str, geo: str
) -> tuple[Factor, ...] | None:
    """The factors that apply, or None when a batch is asked for and has no price."""
    batch = next((f for f in factors if f.factor == "batch" and f.span.holds(day)), None)
    us = next((f for f in factors if f.factor == "us" and f.span.holds(day)), None)
    found: list[Factor] = []
    if tier == "batch":
        if batch is None or not all(entry.batch for entry in used):
            return None
        found.append(batch)
    if geo == "us" and us is not None and all(entry.geo for entry in used):
        found.append(us)
    return tuple(found)


def _warnings(model: Model, base: Entry, day: date, tier: str, geo: str, speed: str) -> tuple[str, ...]:
    said = (
        (model.retired_on is not None and day > model.retired_on, "after_retirement"),
        (speed == "fast" and base.kind != FAST, "fast_not_available"),
        (geo == "us" and not base.geo, "geo_not_supported_by_model"),
        (tier == "priority", "priority_excluded_from_cost_report"),
    )
    return tuple(name for holds, name in said if holds)


def _bounds(low: int | None, high: int | None, factors: Sequence[Factor]) -> tuple[int, int] | None:
    if low is None or high is None:
        return None
    numerator = denominator = 1
    for factor in factors:
        numerator, denominator = numerator * factor.numerator, denominator * factor.denominator
    # Whole by validation: a table whose rates would need rounding here is refused when it is loaded.
    one, other = low * numerator // denominator, high * numerator // denominator
    return min(one, other), max(one, other)


def _rates(
    model: str | None,
    low: tuple[int | None, ...],
    high: tuple[int | None, ...],
    reasons: tuple[str | None, ...],
    web: ToolPrice | None,
    warnings: tuple[str, ...],
    used: Sequence[Entry],
    factors: Sequence[Factor],
) -> Rates:
    price = None if web is None else web.price
    return Rates(
        model=model,
        low=(*low, price),
        high=(*high, price),
        reasons=(*reasons, "no_price_for_date" if price is None else None),
        warnings=warnings,
        entry=" or ".join(entry.name for entry in used),
        source=used[0].source if used else "",
        checked=used[0].checked.isoformat() if used else "",
        factors=tuple(factor.name for factor in factors),
    )
