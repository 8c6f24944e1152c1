"""The Data health page: whether the data is complete, and what to do where it is not."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from costwatch.directory.models import Organization
from costwatch.insights import health, health_proofs
from costwatch.insights.coverage_calendar import kept_calendar
from costwatch.insights.health_runs import run_page
from costwatch.insights.query import BadQuestion
from costwatch.web import address, health_words
from costwatch.web.calendar_grid import grid
from costwatch.web.fetch_again import fetch_again_context
from costwatch.web.health_lines import aside_lines, backfill_lines, new_lines, run_lines, source_lines
from costwatch.web.health_proof_lines import part_lines, proof_lines

LARGEST_KEY = 2**63 - 1


@require_safe
def data_health(request: HttpRequest) -> HttpResponse:
    """How complete and how fresh the data of an organization is."""
    at = address.read(request)
    before = _before(request)
    if at.organization is None:
        return render(request, "nothing_yet.html", {"section": "data_health"})
    context = _context(at.organization, before)
    context["again"] = fetch_again_context(request, at.organization)
    return render(request, "data_health.html", {"section": "data_health", **context})


def _context(organization: Organization, before: int | None) -> dict[str, Any]:
    cover = kept_calendar(organization)
    found = health.sources(organization, cover)
    wrong = health.problems(organization, found, cover)
    reading = health.backfill(organization, cover)
    runs, older = run_page(organization, before)
    aside, reasons = health.set_aside(organization)
    drawn = grid(cover)
    totals, proofs = health_proofs.control_totals(organization), health_proofs.proofs(organization)
    return {
        "lead": health_words.lead(found, wrong, cover, reading, totals),
        "problems": health_words.problem_lines(wrong),
        "grid": drawn,
        # The head of a printed page names what it is about.
        "range_name": drawn.range if drawn else "",
        "sources": source_lines(found),
        "proofs": proof_lines(totals, proofs),
        "parts": part_lines(health_proofs.closed_parts(organization)),
        "backfill": backfill_lines(reading, found),
        "news": new_lines(health.news(organization)),
        "aside": aside_lines(aside),
        "reasons": [(health_words.shown(reason), number) for reason, number in reasons.items()],
        "aside_count": reasons.total(),
        "runs": run_lines(runs),
        "older": older,
        "is_first_page": before is None,
    }


def _before(request: HttpRequest) -> int | None:
    """The run before which a page of the log begins. Raises: BadQuestion when it is no key of a run."""
    given = request.GET.get("before", "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and int(given[:20]) <= LARGEST_KEY):
        raise BadQuestion("before is the number of a run, as the link to older runs has it")
    return int(given)
