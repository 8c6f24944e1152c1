"""Figures as SVG: the first paint, print and mail. X in per cent, y in pixels; colours are classes. Pure."""

from collections.abc import Callable, Sequence
from html import escape

from costwatch.insights.charts import BAR, FOOT, HEIGHT, TOP, Figure
from costwatch.insights.forecast import Forecast

_WIDE = 1000
SPARK = 24


def svg(made: Figure, name: str) -> str:
    """The figure as one SVG for every width: text never scales, lines lie in a stretched inner picture."""
    base = HEIGHT - FOOT
    lowest, highest = made.lowest, made.ticks[-1].value

    def y(value: int) -> float:
        return base - (base - TOP) * (value - lowest) / (highest - lowest)

    parts = [_grid(made, y(0), [(tick.label, y(tick.value), tick.value == 0) for tick in made.ticks])]
    slot = 100 / len(made.bins)
    parts.append(_band(made, y))
    for index in range(len(made.bins)):
        parts.append(_bar(made, index, slot, y))
    parts.append(_lines(made, y))
    for index, label in sorted(made.labels.items()):
        classes = ["strong"] if made.bins[index].is_today else []
        classes += ["few"] if index and not made.bins[index].is_today and _is_few(made, index) else []
        parts.append(
            f'<text class="{" ".join(classes)}" x="{_n((index + 0.5) * slot)}%" y="{HEIGHT - 6}" '
            f'text-anchor="middle">{escape(label)}</text>'
        )
    return (
        f'<svg class="chart" height="{HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(made.words.title)}</title>'
        f'<desc id="{name}-d">{escape(made.words.description)}</desc>{"".join(parts)}</svg>'
    )


def _is_few(made: Figure, index: int) -> bool:
    return sorted(made.labels).index(index) % 2 == 1


def _grid(made: Figure, zero: float, lines: Sequence[tuple[str, float, bool]]) -> str:
    return "".join(
        f'<line class="{"a" if is_zero else "g"}" x1="0" x2="100%" y1="{_n(at)}" y2="{_n(at)}"/>'
        f'<text x="-8" y="{_n(at + 4)}" text-anchor="end">{escape(label)}</text>'
        for label, at, is_zero in lines
    )


def _bar(made: Figure, index: int, slot: float, y: Callable[[int], float]) -> str:
    """One stack: what was reported below, what has come since above it under a hatch, credits below zero."""
    x, width = _n(slot * index + slot * (1 - BAR) / 2), _n(slot * BAR)
    parts, up, down = [], 0, 0
    for source in ("reported", "since"):
        start = up
        for trace in made.traces:
            value = trace.reported[index] if source == "reported" else trace.since[index].low
            if not value:
                continue
            edge = down if value < 0 else up
            top, bottom = max(y(edge), y(edge + value)), min(y(edge), y(edge + value))
            height = top - bottom - (1 if edge else 0)
            if value < 0:
                down += value
            else:
                up += value
            if height > 0.2:
                parts.append(
                    f'<rect class="f{trace.slot}" x="{x}%" width="{width}%" y="{_n(bottom)}" height="{_n(height)}"/>'
                )
        if source == "since" and up > start:
            parts.append(
                f'<rect class="hat" x="{x}%" width="{width}%" y="{_n(y(up))}" height="{_n(y(start) - y(up))}"/>'
            )
    return "".join(parts)


def _band(made: Figure, y: Callable[[int], float]) -> str:
    there = [(index, one.ahead) for index, one in enumerate(made.bins) if one.ahead]
    if not there:
        return ""
    at = [(index + 0.5) / len(made.bins) for index, _ in there]
    high = [(x, y(ahead[2])) for x, (_, ahead) in zip(at, there, strict=True)]
    low = [(x, y(ahead[0])) for x, (_, ahead) in zip(at, there, strict=True)]
    return _layer(HEIGHT, f'<path class="fcb" d="{_path(high + low[::-1])}Z"/>')


def _lines(made: Figure, y: Callable[[int], float]) -> str:
    count = len(made.bins)
    marks = "".join(
        f"M{_n((index + 0.06) * _WIDE / count)} {_n(y(one.previous))}H{_n((index + 0.94) * _WIDE / count)}"
        for index, one in enumerate(made.bins)
        if one.previous is not None
    )
    inner = f'<path class="halo-l" d="{marks}"/><path class="prev" d="{marks}"/>' if marks else ""
    middle = [((index + 0.5) / count, y(one.ahead[1])) for index, one in enumerate(made.bins) if one.ahead]
    inner += f'<path class="fcl" d="{_path(middle)}"/>' if middle else ""
    return _layer(HEIGHT, inner) if inner else ""


# -- small pictures ----------------------------------------------------------------------------------------------


def spark(values: Sequence[int], before: Sequence[int] = ()) -> str:
    """A line of daily amounts, with the compared period's behind it."""
    if len(values) < 2:
        return ""
    top, count = max(*values, *before, 1), max(len(values), len(before), 2)

    def at(index: int, value: int) -> tuple[float, float]:
        return index / (count - 1), SPARK - 1 - (SPARK - 3) * max(0, value) / top

    inner = ""
    if len(before) > 1:
        inner = f'<path class="prev" d="{_path([at(i, v) for i, v in enumerate(before)])}"/>'
    points = [at(index, value) for index, value in enumerate(values)]
    inner += f'<path d="{_path(points)}"/>'
    dot = f'<circle class="end" cx="{_n(points[-1][0] * 100)}%" cy="{_n(points[-1][1])}" r="2"/>'
    return _spark(_layer(SPARK, inner) + dot)


def spark_forecast(known: Sequence[int], forecast: Forecast) -> str:
    """The period summed up day by day, then the forecast with its range."""
    sums = [sum(known[: index + 1]) for index in range(len(known))] or [0]
    count, top = max(2, len(known) + len(forecast.days)), max(forecast.high, *sums, 1)

    def at(index: int, value: int) -> tuple[float, float]:
        return index / (count - 1), SPARK - 1 - (SPARK - 3) * max(0, value) / top

    lows, middles, highs = [sums[-1]], [sums[-1]], [sums[-1]]
    for day in forecast.days:
        lows.append(lows[-1] + day.low)
        middles.append(middles[-1] + day.middle)
        highs.append(highs[-1] + day.high)
    first = len(sums) - 1
    high = [at(first + index, value) for index, value in enumerate(highs)]
    low = [at(first + index, value) for index, value in enumerate(lows)]
    past = [at(index, value) for index, value in enumerate(sums)]
    ahead = [at(first + index, value) for index, value in enumerate(middles)]
    return _spark(
        _layer(
            SPARK,
            f'<path class="band" d="{_path(high + low[::-1])}Z"/><path d="{_path(past)}"/>'
            f'<path class="fc" d="{_path(ahead)}"/>',
        )
    )


def share_bar(part: int, of: int) -> str:
    """A share as a grey bar."""
    width = _n(100 * part / of) if of > 0 and part > 0 else "0"
    return (
        '<svg class="bar" height="6" aria-hidden="true" focusable="false"><rect class="track" width="100%" height="6" '
        f'rx="3"/><rect class="val" width="{width}%" height="6" rx="3"/></svg>'
    )


def _spark(inner: str) -> str:
    return f'<svg class="spark" height="{SPARK}" aria-hidden="true" focusable="false">{inner}</svg>'


def _layer(height: int, inner: str) -> str:
    return (
        f'<svg width="100%" height="{height}" viewBox="0 0 {_WIDE} {height}" preserveAspectRatio="none" '
        f'overflow="visible">{inner}</svg>'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x * _WIDE)} {_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
