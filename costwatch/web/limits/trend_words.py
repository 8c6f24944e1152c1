"""When a line reaches its limit, in words."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch.insights import display
from costwatch.insights.limits.trend import Trend
from costwatch.web.moments import near_day


@dataclass(frozen=True, slots=True)
class TrendWords:
    """When a line reaches its limit, and what that is said from."""

    reaches: str
    is_danger: bool
    change: str


def trend_words(found: Trend | None, limit: int | None) -> TrendWords | None:
    """The trend in words; None where no limit is known."""
    if limit is None:
        return None
    if limit == 0:
        return TrendWords(_("already there"), True, "")
    if found is None:
        return TrendWords(_("too few days to say"), False, "")
    points = f"{float(found.points_a_day):+.1f}"
    points = points[1:] if points[1:] == "0.0" else points.replace("-", "\u2212")
    change = _("%(points)s points of the limit a day") % {"points": points}
    if found.days_at_limit and found.slope > 0:
        change += _(", at least: what was refused is in no report")
    if found.already:
        return TrendWords(_("already there"), True, change)
    earliest, middle, latest = found.dates
    if middle is None:
        if earliest is None:
            return TrendWords(_("not within a year at this trend"), False, change)
        return TrendWords(
            _("not at this trend; %(day)s at the earliest") % {"day": display.day(earliest)}, False, change
        )
    days = found.middle or 0
    said = ngettext("in %(n)d day, %(day)s", "in %(n)d days, %(day)s", days) % {
        "n": days,
        "day": near_day(middle),
    }
    return TrendWords(f"{said} ({_band(earliest, latest)})", days <= 7, change)


def _band(earliest: date | None, latest: date | None) -> str:
    first = near_day(earliest) if earliest else _("now")
    return f"{first} – {near_day(latest) if latest else _('never at the slowest')}"
