"""The list of workspaces, and the page of one."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from costwatch.directory.models import Workspace
from costwatch.insights.amounts import Scope
from costwatch.insights.attention import findings
from costwatch.insights.cache import kept
from costwatch.insights.spend import spend
from costwatch.web import address, names, verdict
from costwatch.web.about import about
from costwatch.web.address import Address
from costwatch.web.keys import keys_table
from costwatch.web.limits.rows import rows_of
from costwatch.web.panel import fragment, panel
from costwatch.web.tables import table
from costwatch.web.tiles import tiles
from costwatch.web.todo import todos

# These findings are the organization's, whichever workspace is looked at.
OF_ORGANIZATION = ("source_closed", "source_failing", "source_silent", "inconsistent", "set_aside")


@require_safe
def workspaces(request: HttpRequest) -> HttpResponse:
    """Every workspace with its figures."""
    at = address.read(request)
    if at.organization is None:
        return render(request, "nothing_yet.html", {"section": "workspaces"})
    scope = Scope(at.organization)
    return render(request, "workspaces.html", kept.get(("workspaces", scope, at), lambda: _every(scope, at)))


@require_safe
def workspace(request: HttpRequest, key: str) -> HttpResponse:
    """One workspace; with a swap of the chart, that panel alone."""
    at = address.read(request)
    if at.organization is None or "\0" in key or not names.is_known(at.organization, key):
        raise Http404(_("There is no workspace with this id."))
    scope = Scope(at.organization, key)
    if request.headers.get("HX-Target") == "spend":
        return fragment(request, scope, at, "model")
    return render(request, "workspace.html", kept.get(("workspace", scope, at), lambda: _one(scope, at)))


def _every(scope: Scope, at: Address) -> dict[str, Any]:
    figures = spend(scope, at.period, at.compare)
    return {"section": "workspaces", "figures": figures, "table": table(scope, figures, "workspace_id", at)}


def _one(scope: Scope, at: Address) -> dict[str, Any]:
    key, figures = scope.workspace, spend(scope, at.period, at.compare)
    rows = table(scope, figures, "model", at)
    split = keys_table(scope, figures)
    row = Workspace.objects.filter(organization=scope.organization, key=key).first()
    return {
        "section": "workspaces",
        "called": names.workspace(key, names.workspaces(scope.organization)),
        "row": row,
        "figures": figures,
        "first": verdict.first_sentence(figures),
        "second": verdict.second_sentence(figures, [(one.called, one.line) for one in rows.rows]),
        "meta": verdict.meta(figures),
        "todos": todos([one for one in findings(scope, at.period) if one.kind not in OF_ORGANIZATION]),
        "tiles": tiles(scope, figures),
        "panel": panel(scope, figures, at, "model"),
        "table": rows,
        "keys": split,
        "amount_label": _("Reported") if figures.reads_cost else _("At your rates"),
        "keys_label": _("Split by usage") if split.is_split else _("At your rates"),
        "about": about(key, row),
        "limits": rows_of(scope.organization, key, at.travelling().removeprefix("?")),
    }
