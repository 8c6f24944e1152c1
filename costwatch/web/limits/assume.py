"""Picking a published tier where the limits may not be read: an assumption that every figure then says."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from costwatch import clock
from costwatch.directory.limits import Limits, assume
from costwatch.directory.models import Organization
from costwatch.directory.published import tiers
from costwatch.insights import display
from costwatch.web import address, names
from costwatch.web.bell import ring

ERROR = "assume_error"


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the form shows: the tiers there are, the one that is assumed, and since when by whom."""

    tiers: list[tuple[str, str, bool]]
    told: str
    error: str


def assumption_form(request: HttpRequest, organization: Organization, limits: Limits) -> Assumption | None:
    """The form; where the limits were read nothing is assumed, and there is only what was wrong, or None."""
    error = request.session.pop(ERROR, "") if ERROR in request.session else ""
    if limits.known_since:
        return Assumption([], "", error) if error else None
    picked, told = limits.assumed, ""
    if picked:
        at = organization.assumed_at
        told = _(
            "Assumed: tier %(tier)s as published (%(source)s, checked %(checked)s), picked by %(by)s on %(day)s."
        ) % {
            "tier": picked.tier.name,
            "source": picked.tier.source,
            "checked": display.day(picked.tier.checked),
            "by": names.visible(organization.assumed_by) or "–",
            "day": display.day(at.date()) if at else "–",
        }
    elif organization.assumed_tier:
        told = _("Nothing is assumed: tier %(tier)s, which was picked, is no longer published. Pick another one.") % {
            "tier": organization.assumed_tier
        }
    choices = [(one.id, one.name, one.id == organization.assumed_tier) for one in tiers(clock.today())]
    return Assumption(choices, told, error)


@require_POST
def assume_tier(request: HttpRequest) -> HttpResponse:
    """Write the tier down, and ring for the figures to be made anew."""
    at = address.read(request)
    if at.organization is not None:
        try:
            assume(at.organization, tier=request.POST.get("tier", ""), by=request.user.get_username())
        except ValueError as error:
            request.session[ERROR] = str(error)
        else:
            ring("upkeep")
    return HttpResponseRedirect(f"{reverse('limits')}{at.travelling()}#assumed")
