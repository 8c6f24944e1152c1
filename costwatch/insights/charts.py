"""Figures: one value that becomes a picture, a plotly figure, a table and a CSV, so that all four agree. Pure.

Amounts stay whole pico-dollars until a coordinate is made of them; floats exist only in coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any

from costwatch.insights import display
from costwatch.insights.amounts import Bounds
from costwatch.insights.drawn import Bin, Drawn
from pricing.money import PICO, format_usd

DAY = timedelta(days=1)
HEIGHT, TOP, FOOT = 264, 12, 24
BAR = 0.72
STEPS = (1, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Trace:
    """One series of a figure: its name as text, its colour slot (0 is Other), where a click leads, its amounts."""

    key: str
    label: str
    slot: int
    href: str
    reported: tuple[int, ...]
    since: tuple[Bounds, ...]
    total: int
    since_total: Bounds


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale, in pico-dollars, and its label."""

    value: int
    label: str


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of a figure, translated by whoever asks for it."""

    title: str
    description: str
    today: str
    states: Mapping[str, str]
    at_least: str = "at least %s"
    about: str = "about %s"
    price_unknown: str = "price unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """Stacked bars over days or weeks: the whole of what is drawn."""

    words: Words
    bins: tuple[Bin, ...]
    traces: tuple[Trace, ...]
    ticks: tuple[Tick, ...]
    lowest: int
    labels: Mapping[int, str]
    total: int
    since_total: Bounds
    has_previous: bool
    has_forecast: bool


def figure(drawn: Drawn, names: Mapping[str, tuple[str, str]], words: Words) -> Figure:
    """The figure of a stack. `names` maps a series' key to its label and address."""
    traces = tuple(
        Trace(
            key=layer.key,
            label=names.get(layer.key, (layer.key, ""))[0],
            slot=layer.slot,
            href=names.get(layer.key, (layer.key, ""))[1],
            reported=layer.reported,
            since=layer.since,
            total=layer.total,
            since_total=layer.since_total,
        )
        for layer in drawn.layers
    )
    ticks, lowest = _scale(drawn)
    return Figure(
        words=words,
        bins=drawn.bins,
        traces=traces,
        ticks=ticks,
        lowest=lowest,
        labels=_day_labels(drawn.bins, words.today),
        total=drawn.total,
        since_total=drawn.since_total,
        has_previous=any(one.previous is not None for one in drawn.bins),
        has_forecast=any(one.ahead for one in drawn.bins),
    )


def _scale(drawn: Drawn) -> tuple[tuple[Tick, ...], int]:
    """Three or four lines from zero up, lines below where credits reach them, and the lowest value to show."""
    tops, bottoms = [0], [0]
    for index, one in enumerate(drawn.bins):
        parts = [layer.reported[index] + layer.since[index].low for layer in drawn.layers]
        tops += [sum(part for part in parts if part > 0), one.previous or 0, one.ahead[2] if one.ahead else 0]
        bottoms.append(sum(part for part in parts if part < 0))
    top = max(tops) or (0 if min(bottoms) else 2 * PICO)
    step, count = _step(max(top, -min(bottoms)))
    lines = [step * index for index in range(-count, count + 1)]
    lines = [value for value in lines if min(bottoms) <= value < top + step]
    return tuple(Tick(value, display.usd_short(value)) for value in lines), min(bottoms)


def _step(largest: int) -> tuple[int, int]:
    """A round step and how many of it, two or three, cover a value above zero with the least room above."""
    scale = 10 ** max(0, len(str(largest)) - 2)
    fitting = [
        (step * scale * more * count, -count, step * scale * more)
        for more in (1, 10)
        for step in STEPS
        for count in (2, 3)
        if step * scale * more * count >= largest
    ]
    _top, count, step = min(fitting)
    return step, -count


def _day_labels(bins: Sequence[Bin], today: str) -> dict[int, str]:
    """Which bars are named, at most about eight of them."""
    every = max(1, -(-len(bins) // 7))
    if len(bins) > 14 and bins[0].first == bins[0].last:
        every = max(5, every)
    made: dict[int, str] = {}
    for index, one in enumerate(bins):
        daily = one.first == one.last
        if index == 0 or (daily and one.first.day == 1 and index > every // 2):
            name = display.short_day(one.first)
        elif every >= 5 and one.first == one.last and len(bins) <= 31:
            name = str(one.first.day) if one.first.day % 5 == 0 else ""
        else:
            name = display.short_day(one.first) if index % every == 0 else ""
        if name:
            made[index] = name
    now = next((index for index, one in enumerate(bins) if one.is_today), None)
    if now is not None and bins[now].first == bins[now].last:
        made = {index: name for index, name in made.items() if index == 0 or abs(index - now) > max(1, len(bins) // 20)}
        made[now] = today
    return made


# -- the table and the CSV ---------------------------------------------------------------------------------------


def rows(made: Figure) -> list[dict[str, Any]]:
    """One row a bar, with the amounts of every series and their sums: reported and at your rates never in one cell."""
    return [
        {
            "bin": one,
            "state": made.words.states[one.state],
            "reported": [trace.reported[index] for trace in made.traces],
            "since": [trace.since[index] for trace in made.traces],
        }
        for index, one in enumerate(made.bins)
        if one.state != "ahead"
    ]


def records(made: Figure) -> list[list[str]]:
    """The lines of a CSV: header first; one line a bar and series, exact amounts. `until` is exclusive."""
    money = ["reported_usd", "contracted_low_usd", "contracted_high_usd", "unpriced_tokens"]
    lines = [["since", "until", "state", "series", *money]]
    for index, one in enumerate(made.bins):
        for trace in made.traces:
            since = trace.since[index]
            if one.state in ("ahead", "unread") or not (trace.reported[index] or since.is_something):
                continue
            known = one.state in ("reported", "mixed")
            ours = one.state in ("since", "mixed")
            lines.append(
                [
                    one.first.isoformat(),
                    (one.last + DAY).isoformat(),
                    one.state,
                    trace.label,
                    format_usd(trace.reported[index]) if known else "",
                    format_usd(since.low) if ours else "",
                    format_usd(since.high) if ours else "",
                    str(since.unpriced_tokens) if ours else "",
                ]
            )
    return lines


# -- plotly ------------------------------------------------------------------------------------------------------


def inert(text: str) -> str:
    """A name for plotly, which reads a small HTML of its own in every text."""
    return escape(text, quote=False)


def plotly(made: Figure) -> dict[str, Any]:
    """The figure as JSON for the browser: heights are floats, every text and amount is an exact string."""
    return {
        "bars": len(made.bins),
        "lowest": _float(made.lowest),
        "ticks": [[_float(tick.value), tick.label] for tick in made.ticks],
        "labels": [[index, label, made.bins[index].is_today] for index, label in sorted(made.labels.items())],
        "previous": [None if one.previous is None else _float(one.previous) for one in made.bins],
        "ahead": [None if one.ahead is None else [_float(value) for value in one.ahead] for one in made.bins],
        "traces": [
            {
                "key": trace.key,
                "name": inert(trace.label),
                "slot": trace.slot,
                "href": trace.href,
                "reported": [_float(amount) if amount else None for amount in trace.reported],
                "since": [_float(bounds.low) if bounds.low else None for bounds in trace.since],
            }
            for trace in made.traces
        ],
        "tips": [_tip(made, index) for index in range(len(made.bins))],
    }


def _tip(made: Figure, index: int) -> dict[str, Any]:
    """What hovering over a bar says: series by value with share, then the totals."""
    one = made.bins[index]
    parts = []
    for trace in made.traces:
        since = trace.since[index]
        if trace.reported[index] or since.is_something:
            parts.append((trace.reported[index] + since.low, trace, since))
    parts.sort(key=lambda part: -part[0])
    sums = one.reported + one.since.low
    return {
        "day": display.span(one.first, one.last),
        "weekday": f"{one.first:%a}" if one.first == one.last else "",
        "state": made.words.states[one.state],
        "rows": [
            [trace.label, trace.slot, _told(made, trace.reported[index], since), _share(amount, sums, one), trace.key]
            for amount, trace, since in parts
        ],
        "reported": display.usd(one.reported) if one.state in ("reported", "mixed") else "",
        "since": _told(made, 0, one.since) if one.state in ("since", "mixed") else "",
        "previous": "" if one.previous is None else display.usd(one.previous),
        "ahead": "" if one.ahead is None else _ahead(made, one.ahead[0], one.ahead[2]),
    }


def _ahead(made: Figure, low: int, high: int) -> str:
    first, last = display.usd_range(low, high)
    return made.words.about % first if first == last else f"{first}–{last}"


def _share(amount: int, of: int, one: Bin) -> str:
    """A share of a bar; none where tokens without a price make its whole unknown."""
    return "" if one.since.unpriced_tokens else display.percent(amount, of)


def _told(made: Figure, reported: int, since: Bounds) -> str:
    if reported:
        return display.usd(reported)
    if since.unpriced_tokens:
        return made.words.at_least % display.usd(since.low) if since.low else made.words.price_unknown
    if since.is_exact:
        return display.usd(since.low)
    return f"{display.usd(since.low)}–{display.usd(since.high)}"


def _float(pico: int) -> float:
    return round(pico / PICO, 6)
