"""Asking for a span to be read once more: the form on Data health."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import again
from costwatch.ingest.models import Again
from costwatch.ingest.sources import SOURCES, WINDOWED
from costwatch.insights import display
from costwatch.web import address, names
from costwatch.web.bell import ring
from costwatch.web.moments import when

ERRORS = "fetch_again_errors"
SHOWN = 5


class FetchAgain(forms.Form):
    """A source and, unless it is read whole, the first and the last day."""

    source = forms.ChoiceField(label=gettext_lazy("Source"))
    since = forms.DateField(label=gettext_lazy("First day"), required=False)
    until = forms.DateField(label=gettext_lazy("Last day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [(name, names.source(name)) for name in SOURCES]  # type: ignore[attr-defined]
        for name in ("since", "until"):
            self.fields[name].widget.input_type = "date"

    def clean(self) -> dict[str, Any]:
        """Days are needed where a source is read by the day."""
        found = super().clean() or {}
        if found.get("source") in WINDOWED and not self.errors and not (found.get("since") and found.get("until")):
            raise forms.ValidationError(_("Give the first and the last day."))
        return found


@require_POST
def fetch_again(request: HttpRequest) -> HttpResponse:
    """Write the wish down and ring for it; the page then shows it waiting."""
    at = address.read(request)
    form = FetchAgain(request.POST)
    errors = [] if form.is_valid() else [str(one) for many in form.errors.values() for one in many]
    if at.organization and not errors:
        given = form.cleaned_data
        until = given["until"] + clock.DAY if given["until"] else None
        try:
            again.ask(
                organization=at.organization,
                source=given["source"],
                since=given["since"],
                until=until,
                by=request.user.get_username(),
            )
        except again.CannotAsk as refusal:
            errors = [str(refusal)[:1].upper() + str(refusal)[1:] + "."]
        else:
            ring("run_source", at.organization.pk, given["source"])
    if errors:
        request.session[ERRORS] = errors
    return HttpResponseRedirect(f"{reverse('data_health')}{at.travelling()}#fetch-again")


def fetch_again_context(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    """The form, what went wrong with it, and what was asked for last."""
    rows = Again.objects.filter(organization=organization).order_by("-pk")[:SHOWN]
    today = clock.today()
    return {
        "form": FetchAgain(initial={"source": "usage", "since": today - clock.DAY, "until": today}),
        "errors": request.session.pop(ERRORS, []),
        "asked": [_line(one) for one in rows],
    }


def _line(one: Again) -> dict[str, str]:
    days = display.span(one.since, one.until - clock.DAY) if one.since and one.until else _("all of it")
    said = _("read %(time)s") % {"time": when(one.finished_at)} if one.finished_at else _("waiting or being read")
    return {
        "source": names.source(one.source),
        "days": days,
        "said": said,
        "mark": "ok" if one.finished_at else "wait",
        "icon": "check" if one.finished_at else "clock",
        "by": one.asked_by,
    }
