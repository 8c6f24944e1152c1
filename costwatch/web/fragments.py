"""Small pieces of pages that are fetched by themselves: progress, search, health."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from costwatch.web import address, names
from costwatch.web.pill import pill

MOST_RESULTS = 12


@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """How far the history is read, and the pill; when it is done the page is told to show its content once more."""
    at = address.read(request)
    now = pill(at.organization)
    response = render(request, "partials/progress.html", {"pill": now, "with_pill": True})
    if now.progress is not None and now.progress.is_done:
        response["HX-Trigger"] = "history-read"
    return response


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Workspaces by name or id."""
    at = address.read(request)
    wanted = request.GET.get("q", "").strip().casefold()[:200]
    known = names.workspaces(at.organization).values() if at.organization else ()
    found = [one for one in known if wanted in one.label.casefold() or wanted in one.key.casefold()]
    found.sort(key=lambda one: (not one.label.casefold().startswith(wanted), one.slot or 9, one.label.casefold()))
    return render(request, "partials/found.html", {"found": found[:MOST_RESULTS], "more": len(found) - MOST_RESULTS})


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """That the process answers; nothing else."""
    return HttpResponse("ok", content_type="text/plain")
