"""Pictures of a line beside its limit, as SVG that needs no script: bars, the last hour, a day of minutes."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from costwatch.ledger.limit_figures import Figures

# Where the limit stands on a bar, so that what is above it still has room. Units: per cent of the width.
LIMIT_AT = 90.91
SPARK, DAY_HIGH = 24, 120
# Points of a day.
A_DAY = 720


def bullet(figures: Figures, limit: int | None, words: str) -> str:
    """Median, 95th percentile and peak beside the limit; without one the peak is the whole bar."""
    top = limit or figures.peak or 1

    def width(value: int) -> str:
        return _n(min(100.0, LIMIT_AT * value / top))

    rule = f'<rect class="limit" x="{_n(LIMIT_AT)}%" width="2" y="2" height="24"/>' if limit is not None else ""
    return (
        f'<svg class="bullet" height="28" role="img" aria-label="{escape(words, {chr(34): "&quot;"})}">'
        f'<rect class="track" x="0" width="{_n(LIMIT_AT)}%" y="8" height="12"/>'
        f'<rect class="p95" width="{width(figures.p95)}%" y="8" height="12"/>'
        f'<rect class="p50" width="{width(figures.median)}%" y="8" height="12"/>'
        f'<rect class="peak" x="{width(figures.peak)}%" width="2" y="5" height="18"/>{rule}</svg>'
    )


def last_hour(values: Sequence[int], limit: int | None) -> str:
    """Sixty minutes with the limit as a rule."""
    inner = _line(values, limit, SPARK)
    return f'<svg class="spark" height="{SPARK}" aria-hidden="true" focusable="false">{inner}</svg>'


def day(values: Sequence[int], limit: int | None, words: str) -> str:
    """A day of minutes with the limit as a rule; of every two the higher one is drawn, what is ahead is empty."""
    drawn = [max(values[place : place + 2]) for place in range(0, len(values), 2)]
    return (
        f'<svg class="spark day" height="{DAY_HIGH}" role="img" aria-label="{escape(words, {chr(34): "&quot;"})}">'
        f"{_line(drawn, limit, DAY_HIGH, A_DAY)}</svg>"
    )


def _line(values: Sequence[int], limit: int | None, high: int, count: int = 0) -> str:
    top = max([*values, limit or 0, 1]) * 1.1
    # A value is a step to the right, which leaves only its height to be worked out.
    last, a_token = max((count or len(values)) - 1, 1), (high - 2) / top

    def y(value: int) -> str:
        return f"{high - 1 - value * a_token:.1f}"

    path = "L".join(f"{place} {y(value)}" for place, value in enumerate(values))
    rule = f'<path class="rule" d="M0 {y(limit)}L{last} {y(limit)}"/>' if limit is not None else ""
    return (
        f'<svg width="100%" height="{high}" viewBox="0 0 {last} {high}" preserveAspectRatio="none" overflow="visible">'
        f'{rule}<path d="M{path}"/></svg>'
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
