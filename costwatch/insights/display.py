"""Amounts and counts as people read them: whole integers in, text out, half to even. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from pricing.money import PICO, format_usd

MINUS = "−"
CENT = PICO // 100
_STEPS = ((10**12, "T"), (10**9, "B"), (10**6, "M"))


def divided(value: int, by: int) -> int:
    """A quotient rounded half to even; `by` is positive."""
    whole, rest = divmod(value, by)
    return whole + (rest * 2 > by or (rest * 2 == by and whole % 2 == 1))


def usd(pico: int) -> str:
    """Dollars: no cents from $1,000, two decimals below, two significant digits below one cent.

    Units: pico-dollars.
    """
    size = abs(pico)
    cents = divided(size, CENT)
    if pico == 0:
        return "$0"
    if size < CENT:
        text = _small(size)
    elif cents >= 100_000:
        text = f"${divided(size, PICO):,}"
    else:
        text = f"${cents // 100:,}.{cents % 100:02d}"
    return MINUS + text if pico < 0 else text


def usd_cents(pico: int) -> str:
    """Dollars with cents, whatever the size: beside a figure that a person compares digit by digit."""
    cents = divided(abs(pico), CENT)
    return f"{MINUS if pico < 0 else ''}${cents // 100:,}.{cents % 100:02d}"


def usd_column(pico: int, largest: int) -> str:
    """Dollars in a column: its largest value decides the precision; what that would print as $0 keeps its cents."""
    whole = divided(abs(pico), PICO)
    if abs(largest) < 1000 * PICO or whole == 0:
        return usd(pico)
    return f"{MINUS if pico < 0 else ''}${whole:,}"


def usd_short(pico: int) -> str:
    """Dollars in as few characters as an axis or a range needs: $391k, $1.2M, $850."""
    size, sign = abs(pico), MINUS if pico < 0 else ""
    if divided(size, PICO) < 1000:
        return sign + (f"${divided(size, PICO)}" if size % PICO == 0 or size >= 100 * PICO else usd(size))
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        tenths = divided(size * 10, unit * PICO)
        if tenths >= 10 or letter == "k":
            if letter == "k" and divided(size, unit * PICO) >= 1000:
                return f"{sign}$1M"
            whole = tenths >= 1000 or tenths % 10 == 0 or (letter == "k" and tenths >= 100)
            return f"{sign}${divided(size, unit * PICO) if whole else f'{tenths // 10}.{tenths % 10}'}{letter}"
    return sign + usd(size)


def usd_range(low: int, high: int) -> tuple[str, str]:
    """Two amounts in as few characters as tell them apart; the same text twice where they cannot be told apart."""
    short = usd_short(low), usd_short(high)
    return short if short[0] != short[1] else (usd(low), usd(high))


def rounded_apart(parts: Iterable[int], total: int, largest: int) -> bool:
    """Whether the amounts of a column, as they are shown, miss the total as it is shown."""
    return sum(_shown(part, largest) for part in parts) != _shown(total, largest)


def _shown(pico: int, largest: int) -> Decimal:
    return Decimal(usd_column(pico, largest).replace(MINUS, "-").replace("$", "").replace(",", ""))


def signed(text: str, amount: int) -> str:
    """A change with its sign: rising amounts get a plus, falling ones have their minus already."""
    return f"+{text}" if amount > 0 else text


def exact(pico: int) -> str:
    """The amount to its last digit, with thousands separators."""
    whole, dot, rest = format_usd(abs(pico)).partition(".")
    return f"{MINUS if pico < 0 else ''}${int(whole):,}{dot}{rest}"


def percent(part: int, of: int) -> str:
    """A share with one decimal; empty where there is nothing to divide by."""
    if of == 0:
        return ""
    tenths = divided(abs(part) * 1000, abs(of))
    sign = MINUS if (part < 0) != (of < 0) and tenths else ""
    return f"{sign}{tenths // 10:,}.{tenths % 10} %"


def tokens(count: int) -> str:
    """A count of tokens in three digits: 1.24 M, 400 k, 950."""
    size = abs(count)
    sign = MINUS if count < 0 else ""
    for unit, letter in _STEPS:
        if divided(size * 100, unit) >= 100:
            return f"{sign}{_three(size, unit)} {letter}"
    if size >= 10_000:
        thousands = divided(size, 1000)
        return f"{sign}{thousands} k" if thousands < 1000 else f"{sign}1.00 M"
    return f"{sign}{size:,}"


def day(value: date) -> str:
    """A day: 18 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """A day without its year: 18 Nov."""
    return f"{value.day} {value:%b}"


def time(value: datetime) -> str:
    """A time of day: 14:05 UTC."""
    return f"{value:%H:%M} UTC"


def span(first: date, last: date) -> str:
    """A range of days, as short as it stays clear: 1–19 Nov 2026."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    if first.year == last.year:
        return f"{short_day(first)} – {day(last)}"
    return f"{day(first)} – {day(last)}"


def _three(size: int, unit: int) -> str:
    """Three significant digits of size over unit."""
    for decimals in (2, 1):
        scaled = divided(size * 10**decimals, unit)
        if scaled < 1000:
            return f"{scaled // 10**decimals}.{scaled % 10**decimals:0{decimals}d}"
    return f"{divided(size, unit):,}"


def _small(size: int) -> str:
    """Two significant digits of an amount below one cent."""
    zeros = 12 - len(str(size))
    digits = min(12, zeros + 2)
    scaled = divided(size, 10 ** (12 - digits))
    return "$0." + f"{scaled:0{digits}d}".rstrip("0")
