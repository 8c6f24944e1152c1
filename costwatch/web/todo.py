"""What needs attention, in words: an icon, a sentence and a figure each."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch.insights import display
from costwatch.insights.attention import Finding
from costwatch.web.names import closed, source, visible
from pricing.money import format_usd

LONGEST = 90


@dataclass(frozen=True, slots=True)
class Todo:
    """One line of the list."""

    kind: str
    level: str
    icon: str
    text: str
    figure: str
    detail: str = ""


def todos(findings: list[Finding]) -> list[Todo]:
    """The list beside the first sentence, worst first."""
    return [_WORDS.get(one.kind, _unknown)(one) for one in findings]


def _name(text: str) -> str:
    shown = visible(text, text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _closed(one: Finding) -> Todo:
    text = _("%(source)s: %(closed)s") % {"source": source(one.subject), "closed": closed(one.detail)}
    return Todo(one.kind, one.level, "info", text, "", one.detail)


def _failing(one: Finding) -> Todo:
    figure = _("since %(time)s") % {"time": display.time(one.moment)} if one.moment else _("never read")
    text = _("%(source)s cannot be read; figures after that are missing, not zero") % {"source": source(one.subject)}
    return Todo(one.kind, one.level, "fire", text, figure, one.detail)


def _silent(one: Finding) -> Todo:
    figure = _("since %(time)s") % {"time": display.time(one.moment)} if one.moment else ""
    text = _("%(source)s has not been read for hours") % {"source": source(one.subject)}
    return Todo(one.kind, one.level, "fire", text, figure)


def _implausible(one: Finding) -> Todo:
    text = ngettext(
        "On %(count)d settled day the report and our prices differ by more than a factor of two",
        "On %(count)d settled days the report and our prices differ by more than a factor of two",
        one.amount,
    ) % {"count": one.amount}
    return Todo(one.kind, one.level, "fire", text, display.short_day(one.day) if one.day else "")


def _held(one: Finding) -> Todo:
    text = ngettext(
        "%(count)d charge is too large for SQLite and in no total; move to PostgreSQL",
        "%(count)d charges are too large for SQLite and in no total; move to PostgreSQL",
        one.amount,
    ) % {"count": one.amount}
    return Todo(one.kind, one.level, "fire", text, display.short_day(one.day) if one.day else "")


def _inconsistent(one: Finding) -> Todo:
    text = ngettext(
        "%(count)d hour did not add up when read again; its last good values stand",
        "%(count)d hours did not add up when read again; their last good values stand",
        one.amount,
    ) % {"count": one.amount}
    return Todo(one.kind, one.level, "warn", text, display.short_day(one.moment.date()) if one.moment else "")


def _set_aside(one: Finding) -> Todo:
    text = ngettext(
        "%(count)d row of a report could not be read and is set aside",
        "%(count)d rows of a report could not be read and are set aside",
        one.amount,
    ) % {"count": one.amount}
    when = display.short_day(one.moment.date()) if one.moment else ""
    return Todo(one.kind, one.level, "warn", text, when, one.detail)


def _currency(one: Finding) -> Todo:
    text = _("Reported in %(currency)s, in no total") % {"currency": _name(one.subject)}
    return Todo(one.kind, one.level, "coin", text, format_usd(one.amount))


def _unpriced(one: Finding) -> Todo:
    count = display.tokens(one.amount)
    if one.detail:
        words = _("Price unknown: %(tokens)s tokens, %(tier)s tier")
        text = words % {"tokens": count, "tier": _name(one.detail)}
    else:
        text = _("Price unknown: %(tokens)s tokens") % {"tokens": count}
    return Todo(one.kind, one.level, "prices", text, _name(one.subject), f"{one.amount:,}")


def _retiring(one: Finding) -> Todo:
    day = display.short_day(one.day) if one.day else ""
    text = _("%(model)s retires %(day)s, still in use") % {"model": _name(one.subject), "day": day}
    return Todo(one.kind, one.level, "clock", text, display.usd(one.amount))


def _unknown(one: Finding) -> Todo:
    return Todo(one.kind, one.level, "info", _name(one.subject or one.kind), "", one.detail)


_WORDS: dict[str, Callable[[Finding], Todo]] = {
    "source_closed": _closed,
    "source_failing": _failing,
    "source_silent": _silent,
    "implausible": _implausible,
    "held_back": _held,
    "inconsistent": _inconsistent,
    "set_aside": _set_aside,
    "other_currency": _currency,
    "unpriced": _unpriced,
    "retiring": _retiring,
}
