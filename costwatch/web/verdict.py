"""The two sentences a page opens with."""

from collections.abc import Sequence

from django.contrib.humanize.templatetags.humanize import ordinal
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.periods import Period
from costwatch.insights.spend import Line, Spend
from costwatch.web.address import DAY
from costwatch.web.names import Called, visible
from costwatch.web.templatetags.figures import bounds, forecast_range, money


def period_name(period: Period) -> str:
    """A period in words: November, October 2025, 1–14 Nov 2026."""
    if period.is_month:
        return f"{period.since:%B}" if period.since.year == clock.today().year else f"{period.since:%B %Y}"
    return display.span(period.since, period.until - DAY)


def last_reported(figures: Spend) -> str:
    """The last reported day: the 19th inside a month, 13 Nov inside another range."""
    last = figures.reported_until - DAY
    return str(_("the %(day)s") % {"day": ordinal(last.day)}) if figures.period.is_month else display.short_day(last)


def first_sentence(figures: Spend) -> SafeString:
    """What a period has come to, and will come to."""
    period, ours = period_name(figures.period), bounds(figures.since_then, "contracted")
    if not figures.knows_reported and not figures.knows_since:
        return format_html(_("{}: <strong>nothing is known yet</strong>."), period)
    if not figures.reads_cost:
        words = _("{}: <strong>{}</strong> at your rates. This key may not read the cost report.")
        return format_html(words, period, ours)
    ahead = forecast_range(figures.forecast.low, figures.forecast.high) if figures.forecast else None
    if not figures.knows_reported:
        if ahead is None:
            return format_html(_("{}: <strong>nothing reported yet</strong>, {} at your rates so far."), period, ours)
        words = _("{}: <strong>nothing reported yet</strong>, {} at your rates so far, forecast <strong>{}</strong>.")
        return format_html(words, period, ours, ahead)
    amount = money(figures.reported, "reported")
    if figures.reported_until >= figures.period.until:
        return format_html(_("{}: <strong>{} reported</strong>."), period, amount)
    if ahead is not None:
        words = _("{}: <strong>{} reported</strong> to {}, forecast <strong>{}</strong>.")
        return format_html(words, period, amount, last_reported(figures), ahead)
    if figures.period.is_month and not figures.unread_days:
        words = _("{}: <strong>{} reported</strong> to {}. A forecast needs seven days of history.")
    else:
        words = _("{}: <strong>{} reported</strong> to {}.")
    return format_html(words, period, amount, last_reported(figures))


def second_sentence(figures: Spend, lines: Sequence[tuple[Called, Line]]) -> SafeString | str:
    """Why it changed: the one line that moved most in the direction of the whole."""
    if figures.compared is None or not figures.knows_reported or not figures.delta:
        return ""
    rising = figures.delta > 0
    moved = [(line.reported - line.compared, called) for called, line in lines]
    same_way = [one for one in moved if (one[0] > 0) == rising and one[0]]
    if not same_way:
        return ""
    change, called = max(same_way, key=lambda one: abs(one[0]))
    name, figure = visible(called.label[:80]), money(change, "reported", sign=True, short=True)
    if len(moved) == 1:
        words = _("Up {} against the compared days.") if rising else _("Down {} against the compared days.")
        return format_html(words, figure)
    words = _("Up mainly because {} {}.") if rising else _("Down mainly because {} {}.")
    return format_html(words, format_html("<bdi>{}</bdi>", name), figure)


def meta(figures: Spend) -> list[str]:
    """How firm the figures are."""
    days = len(figures.period.days)
    made = []
    if figures.reads_cost:
        made.append(_("%(done)d of %(all)d days reported") % {"done": figures.reported_days, "all": days})
        made.append(
            _("%(settled)d days settled, %(open)d open") % {"settled": figures.days_settled, "open": figures.days_open}
        )
    if figures.unread_days:
        words = ngettext(
            "%(count)d day is not read yet and in no figure",
            "%(count)d days are not read yet and in no figure",
            figures.unread_days,
        )
        made.append(words % {"count": figures.unread_days})
    return [*made, _("UTC days")]
