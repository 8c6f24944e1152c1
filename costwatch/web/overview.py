"""The Overview: what was spent, what it will come to, what needs attention."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costwatch.insights.amounts import Scope
from costwatch.insights.attention import findings
from costwatch.insights.cache import kept
from costwatch.insights.freshness import readable
from costwatch.insights.spend import spend
from costwatch.ledger.models import ConsoleFigure
from costwatch.web import address, verdict
from costwatch.web.address import Address
from costwatch.web.panel import fragment, panel
from costwatch.web.tables import table
from costwatch.web.tiles import tiles
from costwatch.web.todo import todos

LATER = "console_later"


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The organization's page; with a swap of the chart, that panel alone."""
    at = address.read(request)
    if at.organization is None:
        return render(request, "nothing_yet.html", {"section": "overview"})
    scope = Scope(at.organization)
    if request.headers.get("HX-Target") == "spend":
        return fragment(request, scope, at, "workspace")
    shown = kept.get(("overview", scope, at), lambda: _shown(scope, at))
    return render(request, "overview.html", shown | {"asks_console": _asks_console(request, scope)})


def _shown(scope: Scope, at: Address) -> dict[str, Any]:
    """Everything on the page that is made from the data."""
    figures = spend(scope, at.period, at.compare)
    rows = table(scope, figures, "workspace_id", at)
    return {
        "section": "overview",
        "figures": figures,
        "first": verdict.first_sentence(figures),
        "second": verdict.second_sentence(figures, [(row.called, row.line) for row in rows.rows]),
        "meta": verdict.meta(figures),
        "todos": todos(findings(scope, at.period)),
        "tiles": tiles(scope, figures),
        "panel": panel(scope, figures, at, "workspace"),
        "table": rows,
    }


def _asks_console(request: HttpRequest, scope: Scope) -> bool:
    """Whether the figures of a real organization were never held against the Console."""
    if settings.SANDBOX or LATER in request.session or not readable(scope.organization, ["cost"]):
        return False
    return not ConsoleFigure.objects.filter(organization=scope.organization).exists()
