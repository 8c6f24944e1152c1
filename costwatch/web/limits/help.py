"""What would help a line: the makers of its peak minute, and what batches, caching and limits would take off it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from costwatch import clock
from costwatch.directory.limits import assumption
from costwatch.directory.models import Organization
from costwatch.directory.prepared import LONGEST_WHY
from costwatch.insights import display
from costwatch.insights.cache import kept
from costwatch.insights.limits.flows import Limiter, counted, used
from costwatch.insights.limits.lines import share_of, side_of
from costwatch.insights.limits.protecting import Protecting, protecting
from costwatch.insights.limits.relief import LARGEST, Less, Relief, relief
from costwatch.insights.limits.stored_flows import Stored, stored_flows
from costwatch.ledger.limit_figures import LIMITED_POOLS
from costwatch.web import address
from costwatch.web.limits import asked as limits_address
from costwatch.web.limits import words
from costwatch.web.limits.asked import SEPARATOR, Asked, text_of
from costwatch.web.limits.known import refuse_unknown
from costwatch.web.limits.named import Named, named_of
from costwatch.web.moments import when

SECTION = {"section": "limits", "crumb": gettext_lazy("What would help")}
# Whom a limit protects is said of so many.
MOST_PROTECTED = 3


@dataclass(frozen=True, slots=True)
class Step:
    """Something that could be done: what it takes off the peak minute, and the peak of all minutes after it."""

    what: str
    how: str
    tokens: int
    peak: int
    share: str
    at: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit of one workspace that would keep the organization's pool within 80 %, or that there is none."""

    whose: str
    workspace_key: str
    cap: int | None
    none: str
    held: str
    protects: str
    why: str


@require_safe
def limits_help(request: HttpRequest) -> HttpResponse:
    """The answers for one line and limiter; as a part of the page where they are asked for from there."""
    at, asked = address.read(request), limits_address.read(request)
    if at.organization is None or asked.line is None or not asked.limiter:
        raise Http404(_("There is no such line."))
    organization = at.organization
    refuse_unknown(organization, asked)
    context = kept.get(("limits_help", organization.pk, asked), lambda: help_context(organization, asked))
    is_part = request.headers.get("HX-Target") == "help"
    template = "partials/limit_help.html" if is_part else "limit_help.html"
    return render(request, template, {**SECTION, "asked": asked, "help": context})


def help_context(organization: Organization, asked: Asked) -> dict[str, Any]:
    """Everything the template shows. Raises: Http404 where the pool has no such limiter."""
    assert asked.line is not None
    stored = stored_flows(organization, asked.line)
    limiter = stored.limiter(asked.limiter)
    if limiter is None:
        raise Http404(_("This limiter does not count in this pool."))
    called, workspace = named_of(organization, stored.flows), asked.line.workspace_key
    context = {
        "who": called.workspace(workspace),
        "limiter": words.limiter(asked.limiter),
        "looked_at": words.looked_at(stored),
        "limit_id": SEPARATOR.join((asked.line.group_id, asked.limiter)),
        "is_of_output": side_of(asked.limiter) == "output",
        "can_prepare": assumption(organization, clock.today()) is None,
        "twin": reverse("limits_twin") + asked.query(limiter=""),
        "line": text_of(asked.line),
    }
    found = relief(stored.flows, limiter, workspace)
    if found is None:
        return {**context, "found": None}
    return context | _told(found, stored, limiter, called, asked.line.pool in LIMITED_POOLS)


def _told(found: Relief, stored: Stored, limiter: Limiter, called: Named, is_limited: bool) -> dict[str, Any]:
    def step(what: str, how: str, less: Less) -> Step:
        at = "" if less.peak_at is None else when(stored.at(less.peak_at))
        return Step(what, how, less.tokens, less.peak, _share(less.peak, found.limit), at)

    batched = [step(called.part(one.part), "", one.less) for one in found.batched] if is_limited else []
    cached = [
        step(
            called.part(one.part),
            _("%(now)s of its input is read from the cache; %(example)s reads %(share)s")
            % {
                "now": _percent(one.example.share_now),
                "example": called.part(one.example.part),
                "share": _percent(one.example.share),
            },
            one.less,
        )
        for one in found.cached
    ]
    if len(batched) > 1:
        batched.append(step(_("All of these"), "", found.all_batched))
    if len(cached) > 1:
        cached.append(step(_("All of these"), "", found.all_cached))
    guards = protecting(counted(used(stored.flows), limiter), limiter)
    if found.line:
        guards = tuple(one for one in guards if found.line in dict(one.protects))
    rest = found.contributors[LARGEST:]
    return {
        "found": True,
        "peak": found.peak,
        "peak_at": when(stored.at(found.peak_at)),
        "limit": found.limit,
        "share": _share(found.peak, found.limit),
        "contributors": [
            (called.part(one.part), one.tokens, _percent(one.share)) for one in found.contributors[:LARGEST]
        ],
        "rest": (len(rest), sum(one.tokens for one in rest), _percent(sum((one.share for one in rest), Fraction(0)))),
        "batched": batched,
        # Whether an API key used anything in the peak minute.
        "has_keys": bool(found.batched),
        "is_limited": is_limited,
        "cached": cached,
        "guards": [_guard(one, called) for one in guards[:LARGEST]],
        "is_of_a_workspace": bool(found.line),
        "pool_limit": limiter.organization,
    }


def _guard(one: Protecting, called: Named) -> Guard:
    none = ""
    if not one.can_be_limited:
        none = _("cannot be limited: it is the default workspace")
    elif one.cap is None:
        none = _("no limit of it alone is enough")
    others = [
        _("%(who)s (%(minutes)s)") % {"who": called.workspace(who), "minutes": words.minutes(minutes)}
        for who, minutes in one.protects
    ]
    protects, more = ", ".join(others[:MOST_PROTECTED]), len(others) - MOST_PROTECTED
    if more > 0:
        protects = _("%(names)s and %(count)d more") % {"names": protects, "count": more}
    why = _("Keeps the organization's pool within 80 % in every minute of 24 hours.")
    if others:
        why = _("Keeps the organization's pool within 80 %% in every minute of 24 hours. Protects %(names)s.") % {
            "names": protects
        }
    return Guard(
        whose=called.workspace(one.workspace_key),
        workspace_key=one.workspace_key,
        cap=one.cap,
        none=none,
        held=_("%(tokens)s in %(minutes)s")
        % {"tokens": display.tokens(one.refused), "minutes": words.minutes(one.minutes)},
        protects=protects or _("nobody: it is alone in those minutes"),
        why=why[:LONGEST_WHY],
    )


def _share(value: int, limit: int | None) -> str:
    return words.share(share_of(value, limit))


def _percent(share: Fraction) -> str:
    return f"{int(share * 1000) / 10:.1f} %"
