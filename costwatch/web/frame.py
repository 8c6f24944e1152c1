"""What the frame of every page needs."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights import display, periods
from costwatch.insights.query import BadQuestion
from costwatch.web import address, names
from costwatch.web.address import DAY, Address
from costwatch.web.pill import pill


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu in the top bar."""

    text: str
    query: str
    current: bool
    detail: str = ""


def frame(request: HttpRequest) -> dict[str, Any]:
    """The top bar and the rail; what takes long is made only where a template asks."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {"sandbox": settings.SANDBOX}
    at = _address(request)
    compared = SimpleLazyObject(lambda: comparisons(at))
    return {
        "sandbox": settings.SANDBOX,
        "address": at,
        "organization_name": _name(at.organization),
        "pill": SimpleLazyObject(lambda: pill(at.organization)),
        "organizations": _organizations(at),
        "ranges": SimpleLazyObject(lambda: ranges(at)),
        "range_name": display.span(at.period.since, at.period.until - DAY),
        "range_last": at.period.until - DAY,
        "comparisons": compared,
        "compare_name": SimpleLazyObject(lambda: next((choice.text for choice in compared if choice.current), "")),
        "kept": _kept(at),
    }


def _address(request: HttpRequest) -> Address:
    try:
        return address.read(request)
    except BadQuestion:
        return address.usual()


def _name(organization: Organization | None) -> str:
    return names.visible(organization.name, organization.external_id) if organization else ""


def _organizations(at: Address) -> list[Choice]:
    return [
        Choice(row.name, at.query(organization=row.external_id), row == at.organization) for row in at.organizations
    ]


def ranges(at: Address) -> list[Choice]:
    """The ranges one click away."""
    words = {
        "this-month": _("This month"),
        "last-month": _("Last month"),
        "last-7-days": _("Last 7 days"),
        "last-30-days": _("Last 30 days"),
        "last-90-days": _("Last 90 days"),
        "this-year": _("This year"),
    }
    return [
        Choice(words[name], at.query(range=name), at.range == name, display.span(one.since, one.until - DAY))
        for name, one in periods.presets(clock.today()).items()
    ]


def comparisons(at: Address) -> list[Choice]:
    """What a period can be compared with."""
    words = {
        "same_days": _("Same days last month"),
        "four_weeks": _("Four weeks before"),
        "previous": _("Period before"),
        "none": _("No comparison"),
    }
    found: dict[str, str] = {}
    for name in periods.COMPARISONS:
        found.setdefault(periods.comparison(at.period, name), name)
    current = periods.comparison(at.period, at.compare)
    return [Choice(words[kind], at.query(compare=name), kind == current) for kind, name in found.items()]


def _kept(at: Address) -> list[tuple[str, str]]:
    """The state a form with new days must not lose."""
    state = {
        "organization": at.organization.external_id if at.organization and at.named else "",
        "compare": "" if at.compare == address.DEFAULT_COMPARE else at.compare,
        "breakdown": at.breakdown,
        "sort": at.sort,
    }
    return [(name, value) for name, value in state.items() if value]
