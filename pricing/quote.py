"""One quote: a line of JSON in, a line of JSON out."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pricing.calculate import MeterCharge, charge_by_meter
from pricing.meters import METERS, WEB_SEARCH
from pricing.money import format_usd
from pricing.request import InvalidLine, Request, parse_line
from pricing.table import PriceTable, Rates

_TOKENS_PER_PRICE = 1_000_000
_ENCODER = json.JSONEncoder()


def quote_line(table: PriceTable, line: bytes) -> str:
    """Answer one line with one line, without its line end; a line that is no quote is answered as invalid."""
    try:
        request = parse_line(line)
    except InvalidLine as error:
        return invalid_line(table, str(error), error.id_json)
    return _text(request.id_json, quote(table, request))


def invalid_line(table: PriceTable, reason: str, id_json: str = "null") -> str:
    """The answer to a line that is no quote."""
    return _text(id_json, _answer("invalid", table.version, error=reason))


def quote(table: PriceTable, request: Request) -> dict[str, Any]:
    """Price one request.

    Shape: every key of a quote but `id`, in the published order; money is exact decimal USD text.
    """
    rates = table.resolve(request.model, request.day, *request.dimensions)
    charges = charge_by_meter(rates, request.counts)
    low = sum(charge.low for charge in charges if charge.low is not None)
    high = sum(charge.high for charge in charges if charge.high is not None)
    missing = [charge for charge in charges if charge.reason is not None]
    status = "unpriced" if missing else "priced" if low == high else "range"
    return _answer(
        status,
        table.version,
        cost_usd=format_usd(low) if status == "priced" else None,
        low_usd=format_usd(low),
        high_usd=format_usd(high),
        charges=[_charge(charge, low != high) for charge in charges if charge.reason is None],
        unpriced=[{"meter": c.meter, "quantity": c.quantity, "reason": c.reason} for c in missing],
        warnings=_warnings(rates, low != high),
    )


def _answer(status: str, version: str, **known: Any) -> dict[str, Any]:
    return {
        "status": status,
        "cost_usd": known.get("cost_usd"),
        "low_usd": known.get("low_usd"),
        "high_usd": known.get("high_usd"),
        "charges": known.get("charges", []),
        "unpriced": known.get("unpriced", []),
        "warnings": known.get("warnings", []),
        "error": known.get("error"),
        "price_version": version,
    }


def _text(id_json: str, answer: dict[str, Any]) -> str:
    # The id goes out as it came in, digit by digit; everything else is ASCII, so a lone surrogate survives too.
    return f'{{"id": {id_json}, {_ENCODER.encode(answer)[1:]}'


def _warnings(rates: Rates, is_range: bool) -> list[str]:
    # Web searches alone, or nothing at all, cost the same on both sides of a hidden threshold.
    return [name for name in rates.warnings if is_range or name != "threshold_not_visible"]


def _charge(charge: MeterCharge, is_range: bool) -> dict[str, Any]:
    assert charge.low is not None
    assert charge.high is not None
    assert charge.unit_low is not None
    assert charge.unit_high is not None
    row: dict[str, Any] = {"meter": charge.meter, "quantity": charge.quantity}
    is_web = charge.meter == METERS[WEB_SEARCH]
    split = is_range and not is_web
    if is_web:
        row["unit_price_usd"] = format_usd(charge.unit_low)
    else:
        row["unit_price_usd_per_mtok"] = None if split else _per_mtok(charge.unit_low)
    row["cost_usd"] = None if split else format_usd(charge.low)
    if is_range:
        row["unit_price_low_usd_per_mtok"] = None if is_web else _per_mtok(charge.unit_low)
        row["unit_price_high_usd_per_mtok"] = None if is_web else _per_mtok(charge.unit_high)
        row["cost_low_usd"] = format_usd(charge.low)
        row["cost_high_usd"] = format_usd(charge.high)
    return row


@lru_cache(maxsize=4096)
def _per_mtok(rate: int) -> str:
    return format_usd(rate * _TOKENS_PER_PRICE)
