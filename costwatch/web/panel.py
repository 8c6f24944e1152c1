"""The chart panel: one figure as picture, plotly JSON, table and CSV."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import charts, display
from costwatch.insights.charts import Figure, Words
from costwatch.insights.days import totals_by_day
from costwatch.insights.drawn import OTHER, Drawn, drawn
from costwatch.insights.pictures import svg
from costwatch.insights.spend import Scope, Spend, stack
from costwatch.web import names
from costwatch.web.address import DAY, Address
from costwatch.web.verdict import period_name


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template of the panel needs."""

    title: str
    breakdown: str
    tabs: tuple[tuple[str, str, str], ...]
    figure: Figure
    picture: SafeString
    json: dict[str, Any]
    rows: list[dict[str, Any]]
    is_empty: bool
    csv: str
    name: str
    bounded: bool


def panel(scope: Scope, figures: Spend, at: Address, usual: str) -> Panel:
    """The panel of a scope, broken down as the address says."""
    breakdown = at.breakdown or usual
    made = figure(scope, figures, breakdown, at)
    title = _("Spend by day") if made.width == "day" else _("Spend by week")
    finished = _finished(made, scope, figures, at, title)
    csv = reverse("spend_csv") + at.query(breakdown=breakdown, workspace=scope.workspace)
    return Panel(
        title=title,
        breakdown=breakdown,
        tabs=tuple((key, label, at.query(breakdown=key)) for key, label in _tabs(scope)),
        figure=finished,
        picture=SafeString(svg(finished, "spend")),
        json=charts.plotly(finished),
        rows=charts.rows(finished),
        is_empty=not made.layers,
        csv=csv,
        name=f"costwatch-spend-{figures.period.since}-{figures.period.until - DAY}",
        bounded=not made.since_total.is_exact,
    )


def figure(scope: Scope, figures: Spend, breakdown: str, at: Address) -> Drawn:
    """The stack of a scope, ready to draw."""
    made = stack(scope, figures.period, breakdown)
    values = {value for _, value in (*made.reported, *made.since)}
    series = {value: (one.key, one.slot) for value, one in names.series(breakdown, values, scope.organization).items()}
    return drawn(made, figures, totals_by_day(scope, figures.compared), series, clock.today())


def finished(scope: Scope, figures: Spend, breakdown: str, at: Address) -> Figure:
    """The figure of a scope, for a download."""
    return _finished(figure(scope, figures, breakdown, at), scope, figures, at, "")


def _finished(made: Drawn, scope: Scope, figures: Spend, at: Address, title: str) -> Figure:
    values = [value for layer in made.layers for value in layer.values]
    called = {one.key: one for one in names.series(made.breakdown, values, scope.organization).values()}
    labels = {key: (one.label, one.href + at.travelling() if one.href else "") for key, one in called.items()}
    for layer in made.layers:
        if layer.key == OTHER:
            labels[OTHER] = (names.other(len(layer.values)).label, "")
    return charts.figure(made, labels, _words(made, figures, title))


def _words(made: Drawn, figures: Spend, title: str) -> Words:
    period = period_name(figures.period)
    sentences = [_("Stacked bars: %(amount)s reported.") % {"amount": display.usd(made.total)}]
    if made.since_total.high:
        low = display.usd(made.since_total.low)
        sentences.append(_("Not reported yet: %(amount)s or more at your rates.") % {"amount": low})
    if figures.forecast:
        low, high = display.usd_short(figures.forecast.low), display.usd_short(figures.forecast.high)
        sentences.append(_("The forecast reaches %(low)s to %(high)s.") % {"low": low, "high": high})
    sentences.append(_("The table view lists every value."))
    return Words(
        title=_("%(title)s, %(period)s") % {"title": title, "period": period},
        description=" ".join(sentences),
        today=_("Today"),
        states={
            "reported": _("Reported"),
            "since": _("At your rates, open"),
            "mixed": _("Partly reported"),
            "ahead": _("Forecast"),
        },
    )


def _tabs(scope: Scope) -> list[tuple[str, str]]:
    tabs = [("workspace", _("Workspace")), ("model", _("Model")), ("token_type", _("Token kind"))]
    return tabs[1:] if scope.workspace else tabs
