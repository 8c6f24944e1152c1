"""USD exactly: decimal text to whole pico-dollars and back."""

from __future__ import annotations

import re

PICO = 10**12
_USD_DIGITS = 12
_CENT_DIGITS = 10
_DECIMAL = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,18}))?")


class TooFine(ValueError):
    """An amount finer than one pico-dollar; `rounded` is the nearest whole one, half to even.

    Units: `rounded` is in pico-dollars.
    """

    def __init__(self, text: str, rounded: int) -> None:
        super().__init__(f"{text!r} is finer than one pico-dollar")
        self.rounded = rounded


def parse_cents(text: str) -> int:
    """Read one amount of the cost report.

    Units: decimal text in cents in, pico-dollars out (1 cent = 10^10).
    Raises: ValueError for anything but plain ASCII decimal text; TooFine below one pico-dollar.
    """
    return _parse(text, _CENT_DIGITS)


def parse_usd(text: str) -> int:
    """Read one amount in dollars.

    Units: decimal text in USD in, pico-dollars out.
    Raises: ValueError for anything but plain ASCII decimal text; TooFine below one pico-dollar.
    """
    return _parse(text, _USD_DIGITS)


def format_usd(pico: int) -> str:
    """Write an amount as the shortest exact decimal.

    Units: pico-dollars in, USD text out, without exponent and without `-0`.
    """
    whole, rest = divmod(abs(pico), PICO)
    sign = "-" if pico < 0 else ""
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:012d}".rstrip("0")


def _parse(text: str, digits: int) -> int:
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{str(text)[:60]!r} is not a plain decimal number")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    kept = int(whole + fraction[:digits].ljust(digits, "0"))
    if len(fraction) <= digits:
        return -kept if sign else kept
    rounded = kept + _carry(kept, fraction[digits:])
    raise TooFine(text, -rounded if sign else rounded)


def _carry(kept: int, tail: str) -> int:
    half = "5".ljust(len(tail), "0")
    if tail == half:
        return kept & 1
    return int(tail > half)
