"""Small pieces of pages that are fetched by themselves: progress, search, health."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costwatch.web import address, names
from costwatch.web.pill import pill

MOST_RESULTS = 12


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """How far the history is read, and the pill.

    A page without an organization loads itself anew as soon as there is one. A page that shows an earlier stage than
    there is now (`seen`) is told to show its content once more.
    """
    at = address.read(request)
    now = pill(at.organization)
    if now.progress is None and request.GET.get("seen") == now.stage:
        return HttpResponse(status=204)
    if now.progress is None:
        return render(request, "partials/progress_first.html", {"pill": now, "with_pill": True})
    if "waits" in request.GET:
        return HttpResponse(headers={"HX-Refresh": "true"})
    response = render(request, "partials/progress.html", {"pill": now, "with_pill": True})
    if now.progress.is_done or request.GET.get("seen", now.stage) != now.stage:
        response["HX-Trigger"] = "history-read"
    return response


@require_safe
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
