"""The limits twin: what stored minutes would have come to under changes that nobody has made yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from costwatch import clock
from costwatch.directory.limits import assumption
from costwatch.directory.models import ORGANIZATION_WIDE, Organization
from costwatch.insights import display
from costwatch.insights.cache import kept
from costwatch.insights.limits.compared import compared
from costwatch.insights.limits.lines import LineKey, share_of
from costwatch.insights.limits.smallest import smallest
from costwatch.insights.limits.stored_flows import stored_flows
from costwatch.insights.limits.twin import BadChange, Change, Line, Override, replay
from costwatch.ledger.limit_figures import Figures
from costwatch.web import address, names
from costwatch.web.limits import asked as limits_address
from costwatch.web.limits import changes as changes_address
from costwatch.web.limits import words
from costwatch.web.limits.asked import SEPARATOR, Asked, text_of
from costwatch.web.limits.changes import MOST_CHANGES, Rows, changes_of, options, rows_of, sentence
from costwatch.web.limits.known import refuse_unknown
from costwatch.web.limits.named import Named, named_of
from costwatch.web.limits.replayable import unmoved
from costwatch.web.limits.smallest_words import smallest_words

SECTION = {"section": "limits", "crumb": gettext_lazy("Limits twin")}
EMPTY_ROWS = 2


@dataclass(frozen=True, slots=True)
class LineRow:
    """One limiter of the organization or a workspace, before and after. Shape: `over` for 80, 95 and 100 %."""

    limiter: str
    whose: str
    picture: SafeString
    over: tuple[tuple[int, int], ...]
    peak: tuple[int, int]
    shares: tuple[str, str]
    limits: tuple[int | None, int | None]
    refused: str


@require_safe
def twin(request: HttpRequest) -> HttpResponse:
    """A form of changes and, line by line, what they come to; the form may be filled with the smallest set."""
    at, asked = address.read(request), limits_address.read(request)
    if at.organization is None or asked.line is None:
        raise Http404(_("There is no such line."))
    organization, rows = at.organization, changes_address.read(request.GET)
    refuse_unknown(organization, asked)
    wants_smallest = "smallest" in request.GET
    context: dict[str, Any] = kept.get(
        ("limits_twin", organization.pk, asked, rows, wants_smallest),
        lambda: twin_context(organization, asked, rows, wants_smallest),
    )
    return render(request, "limits_twin.html", {**SECTION, "asked": asked, **context})


def twin_context(organization: Organization, asked: Asked, rows: Rows, wants_smallest: bool) -> dict[str, Any]:
    """Everything the page shows."""
    assert asked.line is not None
    key, stored = asked.line, stored_flows(organization, asked.line)
    called, found, wrong = named_of(organization, stored.flows), None, ""
    if wants_smallest and stored.flows:
        found = smallest(key.workspace_key, stored.flows, stored.limiters)
        rows = rows_of(found.changes or found.closest)
    changes: Sequence[Change] = ()
    try:
        changes = changes_of(rows, stored.flows, stored.limiters, called)
        lines = replay(stored.flows, stored.limiters, changes)
    except BadChange as refusal:
        changes, wrong = (), str(refusal)[:1].upper() + str(refusal)[1:] + "."
        lines = replay(stored.flows, stored.limiters, ())
    shown = _shown(lines, key, changes)
    empty = [("", "")] * min(EMPTY_ROWS, MOST_CHANGES - len(rows))
    workspaces = {flow.workspace_key for flow in stored.flows} | {key.workspace_key}
    return {
        "group": names.visible(stored.group),
        "pool": str(words.POOLS.get(key.pool, "")),
        "who": called.workspace(key.workspace_key),
        "looked_at": words.looked_at(stored),
        "is_whole": stored.minutes == stored.of,
        "has_use": bool(stored.flows),
        "has_limits": any(one.limit_of(who) is not None for one in stored.limiters for who in workspaces),
        "has_zero": any(0 in (one.limit_before, one.limit_after) for one in shown),
        "can_prepare": assumption(organization, clock.today()) is None,
        "wrong": wrong,
        "smallest": smallest_words(found, called) if found else "",
        "rows": [*rows, *empty],
        "unmoved": unmoved(stored.flows, called),
        "options": options(key.pool, stored.flows, stored.limiters, rows, called),
        "whose": [
            (text_of(LineKey(key.group_id, key.pool, one)), called.workspace(one), one == key.workspace_key)
            for one in sorted(workspaces | {ORGANIZATION_WIDE}, key=lambda one: (bool(one), called.workspace(one)))
        ],
        "hidden": _hidden(asked),
        "changes": [(sentence(one, called), _prepared_of(one, key)) for one in changes],
        "lines": _rows(shown, called),
    }


def _hidden(asked: Asked) -> list[tuple[str, str]]:
    """The state that the form keeps beside what it asks for."""
    state = parse_qsl(asked.query(line="", limiter="").removeprefix("?"))
    return [(name, value) for name, value in state if value]


def _prepared_of(change: Change, key: LineKey) -> tuple[str, str, int] | None:
    """The workspace, limiter and value of a limit that could be prepared."""
    if not isinstance(change, Override):
        return None
    return change.workspace_key, SEPARATOR.join((key.group_id, change.limiter)), change.value


def _shown(lines: Sequence[Line], key: LineKey, changes: Sequence[Change]) -> list[Line]:
    """The organization, the chosen workspace, those that change, and whoever is above 80 % before or after."""
    wanted = {ORGANIZATION_WIDE, key.workspace_key}
    wanted |= {one.workspace_key if isinstance(one, Override) else one.part.workspace_key for one in changes}
    return [one for one in lines if one.workspace_key in wanted or any(_over(figures)[0] for figures in _pair(one))]


def _rows(lines: Sequence[Line], called: Named) -> list[LineRow]:
    most = max((_over(one)[0] for line in lines for one in _pair(line)), default=0)
    return [_row(line, called, most) for line in lines]


def _row(line: Line, called: Named, most: int) -> LineRow:
    before, after = _pair(line)
    over = tuple(zip(_over(before), _over(after), strict=True))
    whose = called.workspace(line.workspace_key)
    told = _("%(who)s: %(before)d minutes above 80 %% before, %(after)d after") % {
        "who": whose,
        "before": over[0][0],
        "after": over[0][1],
    }
    peaks = before.peak if before else 0, after.peak if after else 0
    return LineRow(
        limiter=words.limiter(line.limiter),
        whose=whose,
        picture=SafeString(compared(before, after, most, told)),
        over=over,
        peak=peaks,
        shares=(_share(peaks[0], line.limit_before), _share(peaks[1], line.limit_after)),
        limits=(line.limit_before, line.limit_after),
        refused=_("%(tokens)s in %(minutes)s")
        % {"tokens": display.tokens(line.refused), "minutes": words.minutes(line.minutes_refused)}
        if line.refused
        else "",
    )


def _pair(line: Line) -> tuple[Figures | None, Figures | None]:
    return line.before, line.after


def _over(one: Figures | None) -> tuple[int, int, int]:
    return (one.minutes_over_80, one.minutes_over_95, one.minutes_over_100) if one else (0, 0, 0)


def _share(value: int, limit: int | None) -> str:
    return words.share(share_of(value, limit))
