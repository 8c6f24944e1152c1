"""Figures and names in templates. Every money figure is a node that says its exact value and its source."""

from datetime import date, datetime
from functools import cache
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch.insights import display
from costwatch.insights.amounts import Bounds
from costwatch.web.names import visible
from pricing.money import format_usd

register = template.Library()
LONGEST_NAME = 48
SOURCES = ("reported", "list", "contracted", "split", "forecast", "console", "difference")


@register.filter
def usd(pico: int | None) -> str:
    """Dollars as people read them; an unknown amount is words."""
    return _("not known") if pico is None else display.usd(pico)


@register.filter
def usd_short(pico: int | None) -> str:
    """Dollars in few characters."""
    return _("not known") if pico is None else display.usd_short(pico)


@register.filter
def exact(pico: int | None) -> str:
    """Dollars to the last digit."""
    return _("not known") if pico is None else display.exact(pico)


@register.filter
def signed(pico: int | None) -> str:
    """A change in dollars, with its sign."""
    return _("not known") if pico is None else display.signed(display.usd(pico), pico)


@register.filter
def percent(part: int, of: int) -> str:
    """A share."""
    return display.percent(part, of)


@register.filter
def tokens(count: int | None) -> str:
    """A count of tokens."""
    return _("not known") if count is None else display.tokens(count)


@register.filter
def counted(count: int | None) -> SafeString:
    """A count of tokens with its last digit in the title."""
    return SafeString(tokens(None) if count is None else f'<span title="{grouped(count)}">{tokens(count)}</span>')


@register.filter
def grouped(count: int) -> str:
    """A count to its last digit."""
    return f"{count:,}"


@register.filter
def day(value: date | None) -> str:
    """A day with its year."""
    return "" if value is None else display.day(value)


@register.filter
def short_day(value: date | None) -> str:
    """A day without its year."""
    return "" if value is None else display.short_day(value)


@register.filter
def time(value: datetime | None) -> str:
    """A time of day, in UTC."""
    return "" if value is None else display.time(value)


@register.filter
def moment(value: datetime | None) -> str:
    """A day and a time, in UTC."""
    return "" if value is None else f"{display.day(value.date())}, {display.time(value)}"


@register.filter
def name(text: str, key: str = "") -> SafeString:
    """A name from upstream as text: nothing in it can hide; a very long one is clipped, with the whole in its title."""
    shown = visible(text, key)
    if len(shown) <= LONGEST_NAME:
        return format_html('<bdi class="name">{}</bdi>', shown)
    return format_html('<bdi class="name" title="{}">{}…</bdi>', shown[:2000], shown[: LONGEST_NAME - 1])


@register.simple_tag
def money(
    pico: int | None,
    source: str,
    largest: int | None = None,
    sign: bool = False,
    short: bool = False,
    cents: bool = False,
) -> SafeString:
    """A money figure: its text, its exact value, and which source it comes from."""
    if source not in SOURCES:
        raise template.TemplateSyntaxError(f"{source!r} is not a source of money")
    if pico is None:
        return format_html('<span class="muted">{}</span>', _("not known"))
    text = display.usd_short(pico) if short else display.usd(pico)
    if cents:
        text = display.usd_cents(pico)
    if largest is not None:
        text = display.usd_column(pico, largest)
    return _node(pico, source, display.signed(text, pico) if sign else text)


def _node(pico: int, source: str, text: str) -> SafeString:
    return format_html(
        '<data class="m{}" value="{}" data-source="{}" title="{}">{}</data>',
        " zero" if pico == 0 else "",
        format_usd(pico),
        source,
        _("%(amount)s exactly") % {"amount": display.exact(pico)},
        text,
    )


@register.simple_tag
def bounds(value: Bounds | None, source: str, largest: int | None = None) -> SafeString:
    """An amount known only between two values, in words; with tokens of unknown price it is a least amount."""
    return _bounded(value, source, largest, _("between {} and {}"))


@register.simple_tag
def span_of(value: Bounds | None, source: str) -> SafeString:
    """An amount known only between two values, as a short range for a large figure."""
    return _bounded(value, source, None, "{}–{}")


def _bounded(value: Bounds | None, source: str, largest: int | None, between: str) -> SafeString:
    if value is None:
        return money(None, source)
    low = money(value.low, source, largest)
    if value.unpriced_tokens:
        # Any price may apply to those tokens: the high bound says nothing.
        if not value.low:
            return format_html('<span class="unknown">{}</span>', _("price unknown"))
        return format_html(_("at least {}"), low)
    if value.is_exact:
        return low
    return format_html(between, low, money(value.high, source, largest))


def forecast_range(low: int, high: int) -> SafeString:
    """A forecast as its range; where rounding leaves one figure, that figure."""
    first, last = display.usd_range(low, high)
    if first == last:
        return format_html(_("about {}"), _node(low, "forecast", first))
    return format_html("{}–{}", _node(low, "forecast", first), _node(high, "forecast", last))


# A page has dozens, of the same few.
@register.simple_tag
@cache
def icon(symbol: str, classes: str = "") -> SafeString:
    """An icon of the sprite; decoration only."""
    return format_html(
        '<svg class="i {}" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>', classes, symbol
    )


@register.simple_tag(takes_context=True)
def page(context: Context, route: str, *args: str) -> str:
    """The address of a page, with the range and comparison of this one."""
    address = context.get("address")
    return reverse(route, args=args) + (address.travelling() if address else "")


@register.simple_tag(takes_context=True)
def here(context: Context, **changes: Any) -> str:
    """This page's address with a part of its state changed."""
    address = context.get("address")
    return address.query(**changes) if address else "?"


BADGES = ("reported", "list", "contracted", "split", "forecast", "open")


@register.inclusion_tag("partials/badge.html")
def badge(kind: str) -> dict[str, str]:
    """The word that says what a figure is, with its sentence."""
    if kind not in BADGES:
        raise template.TemplateSyntaxError(f"{kind!r} is not a badge")
    return {"kind": kind}
