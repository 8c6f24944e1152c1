"""First connection: look around, connect, match the Console."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from costwatch.directory.models import Organization
from costwatch.ingest.models import Source
from costwatch.insights import console, display
from costwatch.insights.console import Match
from costwatch.web import address, names
from costwatch.web.console_form import ConsoleForm
from costwatch.web.overview import LATER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison came to: a level, a sentence, and what to do."""

    level: str
    text: str
    advice: str


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """The page; posting keeps the figure a person read in the Console."""
    at = address.read(request)
    if at.organization is None:
        return render(request, "set_up.html", {"section": "set_up", "connected": False})
    closed = Source.objects.filter(organization=at.organization, name="cost", available=False).first()
    if closed:
        context = {
            "section": "set_up",
            "connected": True,
            "closed": names.visible(closed.reason) if closed.reason else "",
            "cost_is_closed": True,
            "workspaces": len(names.workspaces(at.organization)),
        }
        return render(request, "set_up.html", context, status=400 if request.method == "POST" else 200)
    form = ConsoleForm(request.POST or None)
    match = console.last_month(at.organization)
    if request.method == "POST" and form.is_valid():
        console.keep(
            organization=at.organization,
            month_of=match.period.since,
            console=form.cleaned_data["total"],
            entered_by=request.user.get_username(),
        )
        return HttpResponseRedirect(reverse("set_up") + at.travelling() + "#match")
    context = {
        "section": "set_up",
        "connected": True,
        "form": form,
        "match": match,
        "outcome": outcome(at.organization, match),
        "typed": display.usd_cents(match.kept.console) if match.kept else "",
        "ours": display.usd_cents(match.kept.reported) if match.kept else "",
        "workspaces": len(names.workspaces(at.organization)),
    }
    return render(request, "set_up.html", context, status=400 if form.errors else 200)


@require_POST
def later(request: HttpRequest) -> HttpResponse:
    """Put the comparison off for this session."""
    request.session[LATER] = True
    return HttpResponseRedirect(reverse("overview"))


def outcome(organization: Organization, match: Match) -> Outcome | None:
    """The comparison in words; the amount has its cents, whatever its size."""
    if match.kept is None or match.difference is None:
        return None
    name, _colon, subject = match.kept.cause.partition(":")
    amount = display.usd_cents(abs(match.difference))
    if name == "match":
        return Outcome("ok", _("$0.00, they match"), _("Every later number stands on this."))
    if name == "rounding":
        return Outcome("ok", _("less than one cent, the Console rounds"), _("Every later number stands on this."))
    text = _("the Console shows %(amount)s more") if match.difference > 0 else _("the Console shows %(amount)s less")
    return Outcome("warn", text % {"amount": amount}, _advice(organization, name, subject, match))


def _advice(organization: Organization, name: str, subject: str, match: Match) -> str:
    """The cause of a difference in words, and what to do next."""
    if name == "missing_days":
        count = int(subject)
        words = ngettext(
            "%(count)d day of that month is not read yet. The gap fills itself; compare again then.",
            "%(count)d days of that month are not read yet. The gap fills itself; compare again then.",
            count,
        )
        return words % {"count": count}
    if name == "open_days":
        count = int(subject)
        words = ngettext(
            "%(count)d day of that month may still change. Compare again when it is settled.",
            "%(count)d days of that month may still change. Compare again when they are settled.",
            count,
        )
        return words % {"count": count}
    if name == "workspace":
        called = names.workspace(subject, names.workspaces(organization))
        words = _("That is what the workspace %(name)s was reported at. Choose all workspaces in the Console.")
        return words % {"name": called.label}
    if name == "cost_type":
        words = _("That is what %(name)s came to. Choose all cost types in the Console.")
        return words % {"name": names.model(f"({subject})").label.lower()}
    simple = {
        "priority": _("That is what priority usage would cost at list price; the cost report leaves it out."),
        "first_day": _("That is the first day of the month. The Console shows local days, this page UTC days."),
        "last_day": _("That is the last day of the month. The Console shows local days, this page UTC days."),
    }
    unexplained = _(
        "No workspace, cost type or day explains it. Check that the Console shows the same month, in US dollars."
    )
    return simple.get(name, unexplained)
