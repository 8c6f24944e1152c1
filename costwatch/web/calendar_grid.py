"""The coverage calendar as a grid of days by weeks, and as rows of text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.coverage_calendar import WORST_FIRST, Calendar, Day
from costwatch.insights.freshness import WIDTHS
from costwatch.web import names

# 400 days and today.
SHOWN = 401
WEEK = timedelta(days=7)
# These need no word of their own, day by day.
PLAIN = ("settled", "unread")
LEGEND = ("settled", "revised", "open", "unread", "inconsistent", "missing")
ALWAYS = ("settled", "revised", "open", "missing")


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of the grid; without a state it lies outside the history. `href` leads to its row of text."""

    state: str
    text: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """A heading over the weeks that begin in a month."""

    text: str
    weeks: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend."""

    state: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """A span of days in one state, in words."""

    key: str
    days: str
    state: str
    text: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Seven rows of weekdays, a column a week, newest last."""

    months: list[Month]
    weekdays: list[tuple[str, list[Cell]]]
    legend: list[Entry]
    rows: list[Row]
    caption: str
    range: str


def grid(cover: Calendar) -> Grid | None:
    """The newest 400 days and today; None where there is no history."""
    days = cover.days[-SHOWN:]
    if not days:
        return None
    known = {one.day: one for one in days}
    first = days[0].day - timedelta(days=days[0].day.weekday())
    weeks = [first + WEEK * index for index in range((days[-1].day - first).days // 7 + 1)]
    weekdays = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    cells = [[_cell(known.get(week + timedelta(days=index))) for week in weeks] for index in range(7)]
    counts = {state: sum(one.state == state for one in days) for state in LEGEND}
    words = _states()
    legend = [Entry(state, words[state], counts[state]) for state in LEGEND if counts[state] or state in ALWAYS]
    said = ", ".join(f"{entry.count} {entry.text.lower()}" for entry in legend)
    return Grid(
        _months(weeks),
        list(zip(weekdays, cells, strict=True)),
        legend,
        _rows(days),
        said,
        display.span(days[0].day, days[-1].day),
    )


def _states() -> dict[str, str]:
    return {
        "settled": _("Settled"),
        "revised": _("Changed since"),
        "open": _("Open"),
        "unread": _("Not read yet"),
        "inconsistent": _("Inconsistent"),
        "missing": _("Missing"),
    }


def _cell(day: Day | None) -> Cell:
    if day is None:
        return Cell("")
    said = f"{display.day(day.day)}: {_states()[day.state].lower()}"
    if day.state in PLAIN:
        return Cell(day.state, said)
    details = "; ".join(_details(day.sources))
    return Cell(day.state, f"{said}. {details}", f"#day-{day.day}")


def _details(sources: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """What of each source is in which state, where it is not settled."""
    made = []
    for source, states in sources.items():
        odd = [state for state in WORST_FIRST if states.get(state) and state != "settled"]
        if odd:
            counted = ", ".join(_counted(source, states[state], state) for state in odd)
            made.append(_("%(source)s: %(counted)s") % {"source": names.source(source), "counted": counted})
    return tuple(made)


def _counted(source: str, number: int, state: str) -> str:
    word = _states()[state].lower()
    if WIDTHS[source] == clock.DAY:
        return word
    said = ngettext("%(count)d hour %(state)s", "%(count)d hours %(state)s", number)
    return said % {"count": number, "state": word}


def _months(weeks: list[date]) -> list[Month]:
    """Headings that span the weeks of their month; one too narrow for its word keeps silent."""
    made = []
    for (year, month), group in groupby(weeks, key=lambda week: (week.year, week.month)):
        count = len(list(group))
        name = f"{date(year, month, 1):%b %Y}" if month == 1 else f"{date(year, month, 1):%b}"
        made.append(Month(name if count > 1 else "", count))
    return made


def _rows(days: tuple[Day, ...]) -> list[Row]:
    """The days newest first; plain ones in spans."""
    rows = []
    words = _states()
    for _key, group in groupby(reversed(days), key=lambda one: one.state if one.state in PLAIN else str(one.day)):
        together = list(group)
        newest, oldest = together[0], together[-1]
        rows.append(
            Row(
                key=f"day-{newest.day}",
                days=display.span(oldest.day, newest.day),
                state=newest.state,
                text=words[newest.state],
                details=_details(newest.sources) if newest.state not in PLAIN else (),
            )
        )
    return rows
