"""Typed access to one TOML table that collects every problem instead of stopping at the first."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pricing.money import PICO, TooFine, parse_usd
from pricing.schema import Origin, Problem

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
_FACTOR = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,6}))?")
_TOKENS_PER_PRICE = 1_000_000
MAX_USD = 1_000
_YEARS = range(2020, 2200)


class Row:
    """One table of the file: each key is taken once, `finish` refuses what nobody asked for."""

    def __init__(self, origin: Origin, data: dict[str, Any], problems: list[Problem], path: str = "") -> None:
        self.origin = origin
        self._data = data
        self._problems = problems
        self._path = path
        self._taken: set[str] = set()

    def refuse(self, reason: str) -> None:
        """Record a problem at this place."""
        self._problems.append(self.origin.problem(reason))

    def had(self, key: str) -> bool:
        """Whether the file has the key, readable or not."""
        return key in self._data

    def take(self, key: str) -> Any:
        """The raw value, or None when absent."""
        self._taken.add(key)
        return self._data.get(key)

    def finish(self, what: str = "unknown key") -> None:
        """Refuse every key that was not taken."""
        for key in self._data:
            if key not in self._taken:
                self.refuse(f"{what} {self._path}{key[:80]}")

    def text(self, key: str, pattern: re.Pattern[str] = _TEXT, required: bool = False) -> str | None:
        """A string that matches `pattern` as a whole."""
        value = self._required(key, required)
        if value is None:
            return None
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self._wrong(key, value, "a string without control characters" if pattern is _TEXT else "an identifier")
        return None

    def texts(self, key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """A list of strings."""
        value = self.take(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) and pattern.fullmatch(item) for item in value):
            return tuple(value)
        self._wrong(key, value, "a list of identifiers")
        return ()

    def choice(self, key: str, options: tuple[str, ...]) -> str | None:
        """One of `options`."""
        value = self._required(key, True)
        if value is None or (isinstance(value, str) and value in options):
            return value
        self._wrong(key, value, "one of " + ", ".join(options))
        return None

    def day(self, key: str, required: bool = False) -> date | None:
        """A TOML date without a time."""
        value = self._required(key, required)
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime) and value.year in _YEARS:
            return value
        self._wrong(key, value, f"a date such as 2026-11-09, without quotes, from {_YEARS[0]} to {_YEARS[-1]}")
        return None

    def flag(self, key: str) -> bool:
        """A required true or false."""
        value = self._required(key, True)
        if value is not None and not isinstance(value, bool):
            self._wrong(key, value, "true or false")
        return value is True

    def whole(self, key: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        value = self.take(key)
        if value is None or (type(value) is int and least <= value <= most):
            return value
        self._wrong(key, value, f"a whole number from {least} to {most}")
        return None

    def table(self, key: str) -> Row | None:
        """A required sub-table."""
        value = self._required(key, True)
        if value is None:
            return None
        if isinstance(value, dict):
            return Row(self.origin, value, self._problems, f"{key}.")
        self._wrong(key, value, "a table")
        return None

    def rate(self, key: str) -> int | None:
        """A price per million tokens.

        Units: USD text in, pico-dollars per token out.
        """
        price = self.price(key, required=False)
        if price is None:
            return None
        if price % _TOKENS_PER_PRICE:
            self._not_whole(key)
            return None
        return price // _TOKENS_PER_PRICE

    def price(self, key: str, required: bool = True) -> int | None:
        """A price from 0 to MAX_USD.

        Units: USD text in, pico-dollars out.
        """
        value = self._required(key, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong(key, value, 'a price in quotes, such as "0.25"')
            return None
        try:
            price = parse_usd(value)
        except TooFine:
            self._not_whole(key)
            return None
        except ValueError:
            self._wrong(key, value, 'a plain decimal number such as "0.25"')
            return None
        return price if self._plausible(key, value, price) else None

    def factor(self, key: str) -> tuple[str, int, int] | None:
        """A positive decimal factor as (text, numerator, denominator)."""
        value = self._required(key, True)
        if value is None:
            return None
        match = _FACTOR.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self._wrong(key, value, 'a decimal factor in quotes, such as "0.5"')
            return None
        fraction = match[2] or ""
        numerator = int(match[1] + fraction)
        if not numerator:
            self.refuse(f"{key} must be greater than 0")
            return None
        return value, numerator, 10 ** len(fraction)

    def _plausible(self, key: str, text: str, price: int) -> bool:
        if price < 0:
            self.refuse(f"{self._path}{key} is negative: {text}")
        elif price > MAX_USD * PICO:
            self.refuse(f"{self._path}{key} is absurd: {text} is more than {MAX_USD} USD")
        return 0 <= price <= MAX_USD * PICO

    def _not_whole(self, key: str) -> None:
        self.refuse(f"{self._path}{key} is not a whole number of pico-dollars per unit: {self._data[key][:60]}")

    def _required(self, key: str, required: bool) -> Any:
        value = self.take(key)
        if value is None and required:
            self.refuse(f"{self._path}{key} is missing")
        return value

    def _wrong(self, key: str, value: object, wanted: str) -> None:
        self.refuse(f"{self._path}{key} must be {wanted}, not {str(value)[:60]!r}")
