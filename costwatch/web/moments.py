"""Moments and spans of time in words."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import display


def when(moment: datetime | None) -> str:
    """A time of today, or a day and a time."""
    if moment is None:
        return ""
    return f"{on(moment.date())}{display.time(moment)}"


def on(value: date) -> str:
    """What stands before a time of a day: the day, nothing before a time of today."""
    return "" if value == clock.today() else f"{near_day(value)}, "


def near_day(value: date) -> str:
    """A day, with its year where that is not this one."""
    return display.short_day(value) if value.year == clock.today().year else display.day(value)


def span(start: datetime, end: datetime) -> str:
    """A span of time in as few words as stay clear."""
    if start == end:
        return when(start)
    if start.date() == end.date():
        return f"{near_day(start.date())}, {start:%H:%M}–{display.time(end)}"
    return f"{near_day(start.date())}, {start:%H:%M} – {near_day(end.date())}, {display.time(end)}"


def length(lasts: timedelta) -> str:
    """A span of time in its two largest units."""
    seconds = lasts.total_seconds()
    if seconds < 1:
        return _("%(number)d ms") % {"number": round(seconds * 1000)}
    if seconds < 10:
        return _("%(number)s s") % {"number": f"{seconds:.1f}".removesuffix(".0")}
    if seconds < 60:
        return _("%(number)d s") % {"number": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(number)d min") % {"number": minutes}
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return (
            _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
            if rest
            else _("%(hours)d h") % {"hours": hours}
        )
    days, hours = divmod(round(minutes / 60), 24)
    return (
        _("%(days)d days %(hours)d h") % {"days": days, "hours": hours}
        if hours
        else _("%(days)d days") % {"days": days}
    )
