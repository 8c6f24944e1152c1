"""The Limits pages: who hurts next with one line open, and a minute of it."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.cache import kept
from costwatch.insights.limits.consumers import Used, consumers
from costwatch.insights.limits.detail import Detail, detail
from costwatch.insights.limits.lines import AT_LIMIT, TIGHT, Lines, lines
from costwatch.insights.limits.minute import minute_of
from costwatch.insights.query import question
from costwatch.insights.render import render as render_report
from costwatch.insights.reports import columns, report
from costwatch.ledger.limit_figures import LIMITERS, limiters_of
from costwatch.web import address
from costwatch.web.limits import asked as limits_address
from costwatch.web.limits import words
from costwatch.web.limits.asked import Asked
from costwatch.web.limits.assume import assumption_form
from costwatch.web.limits.caps import cap_rows
from costwatch.web.limits.configured import configured
from costwatch.web.limits.detail import detail_context, largest_keys, minute_context
from costwatch.web.limits.known import refuse_unknown
from costwatch.web.limits.named import named
from costwatch.web.limits.observed import lineless_words, observed_rows
from costwatch.web.limits.prepare import prepared_context
from costwatch.web.limits.rows import fold, rows

SECTION = {"section": "limits"}


@require_safe
def limits(request: HttpRequest) -> HttpResponse:
    """Every line, those that hurt next first; one of them may be open, and the limits as configured are a view."""
    at = address.read(request)
    if at.organization is None:
        return render(request, "nothing_yet.html", SECTION)
    organization, asked = at.organization, limits_address.read(request)
    context: dict[str, Any] = kept.get(("limits", organization.pk, asked), lambda: _page(organization, asked))
    # What people prepare and what applications tell is in no version of the data.
    if asked.view == "configured":
        context = context | prepared_context(request, organization)
    else:
        context = context | _told(organization, asked, context)
    context = {**context, "assumption": assumption_form(request, organization, context["every"].limits)}
    return render(request, "limits.html", {**SECTION, "asked": asked, **context})


@require_safe
def minute(request: HttpRequest) -> HttpResponse:
    """What one minute of a line was made of; as a part of the page where it is asked for from there."""
    at, asked = address.read(request), limits_address.read(request)
    if at.organization is None or asked.line is None or asked.minute is None or not _is_of(asked):
        raise Http404(_("There is no such minute."))
    refuse_unknown(at.organization, asked)
    if asked.minute > clock.now():
        raise Http404(_("This minute lies ahead."))
    found = minute_of(at.organization, asked.line, asked.limiter, asked.minute)
    told = minute_context(at.organization, asked.line, found)
    context = {**SECTION, "crumb": _("A minute"), "asked": asked, "minute": told}
    is_part = request.headers.get("HX-Target") == "minute"
    return render(request, "partials/limit_minute.html" if is_part else "limit_minute.html", context)


@require_safe
def limits_csv(request: HttpRequest) -> HttpResponse:
    """The report `limits` of yesterday and today, exact, for a spreadsheet."""
    at, asked = address.read(request), limits_address.read(request)
    if at.organization is None:
        raise Http404(_("Nothing was read yet."))
    refuse_unknown(at.organization, asked)
    today = clock.today()
    filters = [("organization_id", at.organization.external_id)]
    filters += [("workspace_id", asked.workspace)] if asked.workspace else []
    query = question(since=today - clock.DAY, until=today + clock.DAY, filters=filters)
    response = HttpResponse(
        render_report(report("limits", query), columns("limits", query), "csv"), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="costwatch-limits-{today - clock.DAY}-{today}.csv"'
    return response


def _is_of(asked: Asked) -> bool:
    """Whether the line's pool is held against the limiter that is asked about."""
    assert asked.line is not None
    return asked.limiter in limiters_of(asked.line.pool, LIMITERS)


def _page(organization: Organization, asked: Asked) -> dict[str, Any]:
    # Whoever opens a line has just looked at the list: both are made of these.
    every = kept.get(("limit_lines", organization.pk), lambda: lines(organization))
    used: Used = {}
    if asked.view != "configured":
        used = kept.get(("limit_consumers", organization.pk), lambda: consumers(organization, every, every.shown))
    found = every.of(asked.workspace) if asked.workspace else every
    chosen = _chosen(found, asked)
    folded = [one for one in chosen.folded if one.key == asked.line]
    used = {**used, **consumers(organization, every, folded)}
    called = named(organization, largest_keys(used))
    refuse_unknown(organization, asked, called.workspaces)
    context: dict[str, Any] = {
        "every": every,
        "first": words.verdict(found, called),
        "meta": words.meta(organization, found),
        "views": [
            (_("All"), asked.query(view="", line=""), asked.view == ""),
            (_("At limit and tight"), asked.query(view="tight", line=""), asked.view == "tight"),
            (_("Configured"), asked.query(view="configured", line=""), asked.view == "configured"),
        ],
        "only": called.workspace(asked.workspace) if asked.workspace else "",
        "everybody": asked.query(workspace="", line=""),
    }
    if asked.view == "configured":
        return context | {"configured": configured(organization, every, called), "caps": cap_rows(organization, called)}
    made = _detail(organization, found, asked) if asked.line else None
    return context | {
        "rows": rows(organization, chosen, used, asked, called),
        "fold": fold(chosen, asked, called),
        "called": called,
        "made": made,
        "detail": detail_context(organization, made, used.get(made.key), asked, called) if made else None,
        "is_listed": any(line.key == asked.line for line in found.lines),
        "idle": [group.label for group in found.idle],
        "caps": cap_rows(organization, called),
        "is_unread": not found.through,
    }


def _chosen(found: Lines, asked: Asked) -> Lines:
    """The lines of a view; one that is open stays."""
    if asked.view != "tight":
        return found
    kept_lines = (one for one in found.lines if one.state in (AT_LIMIT, TIGHT) or one.key == asked.line)
    return replace(found, lines=tuple(kept_lines))


def _told(organization: Organization, asked: Asked, page: dict[str, Any]) -> dict[str, Any]:
    """What applications told until now, beside the lines of a page."""
    every, made, called = page["every"], page["made"], page["called"]
    return {
        "observed": observed_rows(organization, made, every.limits, called) if made else None,
        "lineless": lineless_words(organization, every, asked.workspace),
    }


def _detail(organization: Organization, found: Lines, asked: Asked) -> Detail:
    assert asked.line is not None
    of = next((line for line in found.lines if line.key == asked.line), None)
    # What the row says it comes closest to is what its detail opens with.
    limiter = asked.limiter or (of.binding.limiter if of else "")
    made = detail(organization, asked.line, found.limits, limiter, through=found.through, unread=found.unread)
    if made is None:
        raise Http404(_("Nothing was used of this group in the last week."))
    return made
