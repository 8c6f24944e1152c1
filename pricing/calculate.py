"""Usage times rates: charges, ranges, and what has no price. No clock, no input, no output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pricing.meters import METERS, WEB_SEARCH
from pricing.schema import Rates


class Charge(NamedTuple):
    """What six counts cost.

    Units: `low` and `high` in pico-dollars; `unpriced_tokens` counts tokens without a price, never web searches.
    """

    low: int
    high: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class MeterCharge:
    """What one meter costs, or why it has no price.

    Units: pico-dollars; `unit_*` per token or request. Either all four amounts are set, or `reason` is.
    """

    meter: str
    quantity: int
    unit_low: int | None
    unit_high: int | None
    low: int | None
    high: int | None
    reason: str | None


def charge(rates: Rates, counts: Sequence[int]) -> Charge:
    """Price six counts in the order of METERS.

    Raises: ValueError unless there are six.
    """
    if len(counts) != len(METERS):
        raise ValueError(f"one count per meter is priced, {len(METERS)} in all; here are {len(counts)}")
    if rates.exact is not None:
        # Spelt out, for nearly every day of every series comes along here.
        uncached, short, long, read, output, searches = counts
        of_uncached, of_short, of_long, of_read, of_output, of_searches = rates.exact
        amount = uncached * of_uncached + short * of_short + long * of_long + read * of_read
        amount += output * of_output + searches * of_searches
        return Charge(amount, amount, 0)
    low = high = unpriced = 0
    for quantity, unit_low, unit_high in zip(counts, rates.low, rates.high, strict=True):
        if not quantity:
            continue
        if unit_low is None or unit_high is None:
            unpriced += quantity
        else:
            low += quantity * unit_low
            high += quantity * unit_high
    if rates.low[WEB_SEARCH] is None:
        unpriced -= counts[WEB_SEARCH]
    return Charge(low, high, unpriced)


def charge_by_meter(rates: Rates, counts: Sequence[int]) -> tuple[MeterCharge, ...]:
    """Price six counts one by one; meters that counted nothing are left out.

    Raises: ValueError unless there are six.
    """
    if len(counts) != len(METERS):
        raise ValueError(f"one count per meter is priced, {len(METERS)} in all; here are {len(counts)}")
    rows = zip(METERS, counts, rates.low, rates.high, rates.reasons, strict=True)
    return tuple(_meter_charge(*row) for row in rows if row[1])


def _meter_charge(
    meter: str, quantity: int, unit_low: int | None, unit_high: int | None, reason: str | None
) -> MeterCharge:
    if unit_low is None or unit_high is None:
        return MeterCharge(meter, quantity, None, None, None, None, reason)
    return MeterCharge(meter, quantity, unit_low, unit_high, quantity * unit_low, quantity * unit_high, None)
