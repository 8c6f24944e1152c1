"""The page of what changed since: figures that were known and became others."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.changes import COST, Change, changes
from costwatch.insights.query import BadQuestion
from costwatch.ledger import prices
from costwatch.web import address, names
from costwatch.web.moments import when

# Changes are looked for in the days of this long before now: older ones are not read again.
REACH = timedelta(days=100)
CHOICES = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30), "90": timedelta(days=90)}
USUAL = "7"


@dataclass(frozen=True, slots=True)
class Amount:
    """A signed amount, or its two bounds. Units: pico-dollars; `source` is what kind of money it is."""

    low: int
    high: int
    source: str

    @property
    def ends(self) -> tuple[int, int]:
        """The smaller and the larger of both."""
        return min(self.low, self.high), max(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Line:
    """One change in words."""

    day: str
    source: str
    amount: Amount
    tokens: int
    rows: int
    why: str
    seen: str


@require_safe
def changed(request: HttpRequest) -> HttpResponse:
    """The days whose figures changed within the last days, by how much, and why that was noticed."""
    at = address.read(request)
    chosen = request.GET.get("seen_within", USUAL)
    if chosen not in CHOICES:
        raise BadQuestion("seen_within is one of: " + ", ".join(CHOICES))
    if at.organization is None:
        return render(request, "nothing_yet.html", {"section": "data_health"})
    since = clock.now() - CHOICES[chosen]
    until = clock.today() + clock.DAY
    found = changes([at.organization], (until - REACH), until, prices.configured(), since)
    lines = [_line(one) for one in found]
    return render(request, "changed.html", {"section": "data_health", **_context(found, lines, since, chosen)})


def _context(found: list[Change], lines: list[Line], since: datetime, chosen: str) -> dict[str, Any]:
    count = len({one.day for one in found})
    of = {"count": count, "time": when(since)}
    verdict = _("Nothing changed since %(time)s.") % of
    if found:
        verdict = (
            ngettext("%(count)d day changed since %(time)s.", "%(count)d days changed since %(time)s.", count) % of
        )
    return {
        "lines": lines,
        "verdict": verdict,
        "sums": [_sum(found, is_cost=True), _sum(found, is_cost=False)] if found else [],
        "chosen": chosen,
        "choices": [(key, _choice(key)) for key in CHOICES],
    }


def _sum(found: list[Change], *, is_cost: bool) -> Amount:
    mine = [_amount(one) for one in found if (one.source == COST) is is_cost]
    return Amount(sum(one.low for one in mine), sum(one.high for one in mine), "reported" if is_cost else "list")


def _amount(one: Change) -> Amount:
    if one.source == COST:
        return Amount(one.reported, one.reported, "reported")
    return Amount(one.list_low, one.list_high, "list")


def _choice(key: str) -> str:
    return ngettext("%(count)d day", "%(count)d days", int(key)) % {"count": int(key)}


def _line(one: Change) -> Line:
    return Line(
        day=display.day(one.day),
        source=names.source(one.source),
        amount=_amount(one),
        tokens=sum(one.counts[:-1]),
        rows=one.rows,
        why=_why(one.why),
        seen=when(one.last_seen),
    )


def _why(why: str) -> str:
    """Why a change was noticed."""
    return {
        "recent": _("Poll of the newest days"),
        "settling": _("Read to settle it"),
        "again": _("Read again by its age"),
        "missing": _("Asked for, or after a pause"),
    }.get(why, _("Read again"))
