"""Limits on spend, made ready for the template."""

from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights import display
from costwatch.insights.limits.caps import Cap
from costwatch.insights.limits.caps import caps as found_caps
from costwatch.insights.pictures import share_bar
from costwatch.web import names
from costwatch.web.limits.named import Named

SCOPES = {
    "usage_tier": gettext_lazy("Anthropic's cap (usage tier)"),
    "organization": gettext_lazy("Organization"),
    "workspace": gettext_lazy("Workspace"),
}
PERIODS = {"monthly": gettext_lazy("a month"), "weekly": gettext_lazy("a week"), "daily": gettext_lazy("a day")}


@dataclass(frozen=True, slots=True)
class CapRow:
    """One limit on spend."""

    whose: str
    period: str
    cap: int | None
    spent: int | None
    share: str
    bar: SafeString
    met: str
    is_danger: bool
    is_enabled: bool


def cap_rows(organization: Organization, called: Named) -> list[CapRow]:
    """Every limit on spend with what its period came to."""
    return [_row(one, called) for one in found_caps(organization)]


def _row(one: Cap, called: Named) -> CapRow:
    whose = called.workspace(one.workspace_key) if one.workspace_key else str(
        SCOPES.get(one.scope) or names.visible(one.scope)
    )  # fmt: skip
    return CapRow(
        whose=whose,
        period=str(PERIODS.get(one.period) or names.visible(one.period)),
        cap=one.cap,
        spent=one.spent,
        share=display.percent(one.spent, one.cap) if one.cap and one.spent is not None else "–",
        bar=SafeString(share_bar(min(one.spent, one.cap), one.cap)) if one.cap and one.spent else SafeString(""),
        met=_met(one),
        is_danger=bool(one.met and one.met[1]),
        is_enabled=one.is_enabled,
    )


def _met(one: Cap) -> str:
    if one.cap is None:
        return _("no cap")
    if one.period == "weekly":
        return _("not known: nobody says when a week begins")
    if one.spent is not None and one.spent >= one.cap:
        return _("reached")
    if one.met is None:
        return "–"
    earliest, middle, latest = one.met
    if middle is None:
        if earliest is None:
            return _("not this month")
        return _("not this month; %(day)s at the earliest") % {"day": display.short_day(earliest)}
    return f"{display.short_day(middle)} ({_day(earliest)} – {_day(latest)})"


def _day(value: date | None) -> str:
    return (
        display.short_day(value) if value and value != clock.today() else _("today") if value else _("not this month")
    )
