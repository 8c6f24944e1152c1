"""The chart panel: one figure as picture, plotly JSON, table and CSV."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import charts, display
from costwatch.insights.amounts import Scope
from costwatch.insights.cache import kept
from costwatch.insights.charts import Figure, Words
from costwatch.insights.days import totals_by_day
from costwatch.insights.drawn import OTHER, Drawn, drawn
from costwatch.insights.pictures import svg
from costwatch.insights.spend import Spend, spend, stack
from costwatch.web import names
from costwatch.web.address import DAY, Address
from costwatch.web.names import Called
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
    is_unread: bool
    csv: str
    name: str
    bounded: bool
    reads_cost: bool
    knows_reported: bool
    badge: str


def fragment(request: HttpRequest, scope: Scope, at: Address, usual: str) -> HttpResponse:
    """The panel alone, as a swap of the chart asks for it; the same bytes for as long as the data is the same."""

    def made() -> bytes:
        figures = spend(scope, at.period, at.compare)
        context = {"panel": panel(scope, figures, at, usual)}
        return render_to_string("partials/spend.html", context, request).encode()

    return HttpResponse(kept.get(("fragment", scope, at, usual), made))


def panel(scope: Scope, figures: Spend, at: Address, usual: str) -> Panel:
    """The panel of a scope, broken down as the address says."""
    breakdown = at.breakdown or usual
    made, called = _drawn(scope, figures, breakdown)
    title = _("Spend by day") if made.width == "day" else _("Spend by week")
    finished = _finished(made, called, figures, at, title)
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
        is_unread=any(one.state == "unread" for one in made.bins),
        csv=csv,
        name=f"costwatch-spend-{figures.period.since}-{figures.period.until - DAY}",
        bounded=not made.since_total.is_exact or made.since_total.unpriced_tokens > 0,
        reads_cost=figures.reads_cost,
        knows_reported=figures.knows_reported,
        badge="reported" if figures.knows_reported else "contracted",
    )


def _drawn(scope: Scope, figures: Spend, breakdown: str) -> tuple[Drawn, dict[str, Called]]:
    """The stack of a scope, ready to draw, and what its values are called."""
    made = stack(scope, figures.period, breakdown)
    sums = made.totals()
    ranked = sorted(sums, key=lambda value: (-sums[value], value))
    called = names.series(breakdown, ranked, scope.organization, not figures.reads_cost)
    series = {value: (one.key, one.slot) for value, one in called.items()}
    return drawn(made, figures, totals_by_day(scope, figures.compared), series, clock.today()), called


def finished(scope: Scope, figures: Spend, breakdown: str, at: Address) -> Figure:
    """The figure of a scope, for a download."""
    made, called = _drawn(scope, figures, breakdown)
    return _finished(made, called, figures, at, "")


def _finished(made: Drawn, called: Mapping[str, Called], figures: Spend, at: Address, title: str) -> Figure:
    labels = {one.key: (one.label, one.href + at.travelling() if one.href else "") for one in called.values()}
    for layer in made.layers:
        if layer.key == OTHER:
            labels[OTHER] = (names.other(len(layer.values)).label, "")
    return charts.figure(made, labels, _words(made, figures, title))


def _words(made: Drawn, figures: Spend, title: str) -> Words:
    period = period_name(figures.period)
    sentences = [_("Stacked bars.")]
    if figures.knows_reported:
        sentences = [_("Stacked bars: %(amount)s reported.") % {"amount": display.usd(made.total)}]
    if made.since_total.low:
        low = display.usd(made.since_total.low)
        words = _("Not reported yet: %(amount)s or more at your rates.")
        sentences.append((words if figures.reads_cost else _("%(amount)s or more at your rates.")) % {"amount": low})
    if figures.forecast:
        low, high = display.usd_range(figures.forecast.low, figures.forecast.high)
        sentences.append(_("The forecast reaches %(low)s to %(high)s.") % {"low": low, "high": high})
    sentences.append(_("The table view lists every value."))
    return Words(
        title=_("%(title)s, %(period)s") % {"title": title, "period": period},
        description=" ".join(sentences),
        today=_("Today"),
        states={
            "reported": _("Reported"),
            "since": _("At your rates, open") if figures.reads_cost else _("At your rates"),
            "mixed": _("Partly reported"),
            "ahead": _("Forecast"),
            "unread": _("Not read yet"),
        },
        at_least=_("at least %s"),
        about=_("about %s"),
        price_unknown=_("price unknown"),
    )


def _tabs(scope: Scope) -> list[tuple[str, str]]:
    tabs = [("workspace", _("Workspace")), ("model", _("Model")), ("token_type", _("Token kind"))]
    return tabs[1:] if scope.workspace else tabs
