"""Preparing a workspace's limit: the form and the list of what is prepared. costwatch sends none of it."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from costwatch.directory.limits import limits_now
from costwatch.directory.models import Organization, Workspace
from costwatch.directory.prepared import (
    HIGHEST,
    LONGEST_WHY,
    CannotPrepare,
    Prepared,
    Request,
    prepare,
    prepared,
    settable,
    withdraw,
)
from costwatch.web import address, names
from costwatch.web.limits import words
from costwatch.web.limits.asked import SEPARATOR
from costwatch.web.moments import when

REFUSED = "prepare_limit_refused"


class WholeNumber(forms.IntegerField):
    """Digits and nothing else: 500.000 is half a million to some, and half a thousand to Django."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and not re.fullmatch(r"\s*-?[0-9]*\s*", value):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        number: int | None = super().to_python(value)
        return number


class PrepareLimit(forms.Form):
    """A workspace, a limiter of a group, its value, and why."""

    workspace = forms.CharField(label=gettext_lazy("Workspace"), max_length=200)
    limit = forms.CharField(label=gettext_lazy("Limiter"), max_length=401)
    value = WholeNumber(label=gettext_lazy("Value"), min_value=0, max_value=HIGHEST)
    why = forms.CharField(label=gettext_lazy("Why"), max_length=LONGEST_WHY, required=False)


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """One prepared limit in words."""

    number: int
    whose: str
    group: str
    limiter: str
    value: int
    now: int | None
    capped_at: int | None
    why: str
    made: str
    request: Request | None


@require_POST
def prepare_limit(request: HttpRequest) -> HttpResponse:
    """Write a limit down as prepared; what cannot be is said beside what was typed."""
    at = address.read(request)
    form = PrepareLimit(request.POST)
    errors = [] if form.is_valid() else [f"{form[name].label}: {one}" for name, of in form.errors.items() for one in of]
    if at.organization and not errors:
        given = form.cleaned_data
        group, _dot, limiter = given["limit"].rpartition(SEPARATOR)
        try:
            prepare(
                organization=at.organization,
                workspace_key=given["workspace"],
                group=group,
                limiter=limiter,
                value=given["value"],
                why=given["why"],
                by=request.user.get_username(),
            )
        except CannotPrepare as refusal:
            errors = [str(refusal)]
    if errors:
        typed = {name: request.POST.get(name, "")[: LONGEST_WHY * 2] for name in form.fields}
        request.session[REFUSED] = {"errors": errors, "typed": typed}
    return HttpResponseRedirect(_prepared_address(at))


@require_POST
def withdraw_limit(request: HttpRequest) -> HttpResponse:
    """Withdraw what was prepared; what is withdrawn already stays so."""
    at, number = address.read(request), request.POST.get("number", "")
    if at.organization and number.isascii() and number.isdigit() and len(number) < 19:
        withdraw(organization=at.organization, number=int(number))
    return HttpResponseRedirect(_prepared_address(at))


def prepared_context(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    """What is prepared, the form for more, and what was wrong with it the last time."""
    refused = request.session.pop(REFUSED, {})
    limits = limits_now(organization)
    called = {key: one.label for key, one in names.workspaces(organization).items()}
    groups = {group.id: names.visible(group.name or group.kind, group.id) for group in limits.groups.values()}
    # The default workspace is in the list so that one reads why it cannot be chosen.
    there = Workspace.objects.filter(organization=organization, gone_at=None, archived_at=None).values_list(
        "key", flat=True
    )
    return {
        "prepared": [_row(one, called, groups) for one in prepared(organization)],
        "prepare_errors": refused.get("errors", []),
        "typed": refused.get("typed", {}),
        "workspaces": sorted(
            ((key, called[key], names.is_default(key)) for key in there), key=lambda one: (one[2], one[1].casefold())
        ),
        "settable": [
            (
                SEPARATOR.join((one.group.id, one.limiter)),
                _("%(group)s: %(limiter)s, organization %(value)s")
                % {
                    "group": groups.get(one.group.id, one.group.id),
                    "limiter": words.limiter(one.limiter).lower(),
                    "value": f"{one.value:,}",
                },
            )
            for one in settable(limits)
        ],
    }


def _prepared_address(at: address.Address) -> str:
    query = at.travelling().removeprefix("?")
    return f"{reverse('limits')}?{query}{'&' if query else ''}view=configured#prepared"


def _row(one: Prepared, called: dict[str, str], groups: dict[str, str]) -> PreparedRow:
    row = one.row
    return PreparedRow(
        number=row.pk,
        whose=called.get(row.workspace_key, names.visible(row.workspace_key)),
        group=groups.get(row.group, names.visible(row.group)),
        limiter=words.limiter(row.limiter),
        value=row.value,
        now=one.now.value if one.now else None,
        capped_at=one.above if one.is_capped else None,
        why=names.visible(row.why) if row.why else "",
        made=_("by %(who)s, %(time)s") % {"who": names.visible(row.made_by), "time": when(row.made_at)},
        request=one.request,
    )
