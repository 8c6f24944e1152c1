"""Minutes above 80, 95 and 100 % of a limit, before a change and after it, as a picture that needs no script. Pure."""

from xml.sax.saxutils import escape

from costwatch.ledger.limit_figures import Figures

BAR, GAP = 10, 4


def compared(before: Figures | None, after: Figures | None, most: int, words: str) -> str:
    """Two bars of minutes above 80 %, those above 95 and 100 % in colours of their own. Units: `most` is full width."""
    bars = "".join(_bar(one, most, row * (BAR + GAP)) for row, one in enumerate((before, after)))
    label = escape(words, {chr(34): "&quot;"})
    return f'<svg class="compared" height="{2 * BAR + GAP}" role="img" aria-label="{label}">{bars}</svg>'


def _bar(one: Figures | None, most: int, y: int) -> str:
    over = (0, 0, 0) if one is None else (one.minutes_over_80, one.minutes_over_95, one.minutes_over_100)
    # The most severe is drawn last, over the others.
    parts = (
        f'<rect class="over-{share}" width="{100 * minutes / max(most, 1):.2f}%" y="{y}" height="{BAR}"/>'
        for share, minutes in zip((80, 95, 100), over, strict=True)
        if minutes
    )
    return f'<rect class="track" width="100%" y="{y}" height="{BAR}"/>' + "".join(parts)
