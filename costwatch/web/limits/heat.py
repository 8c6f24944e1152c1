"""The map of a line's week: the peak minute of each hour, as the rows of a table.

Made in one piece: a template looks a thousand values up in its 168 cells, as many as in the rest of the page.
"""

from bisect import bisect_right
from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import quote_plus

from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.limits.detail import Cell, Detail
from costwatch.web.limits import words
from costwatch.web.moments import on

# From these shares on an hour has the next colour. Units: hundredths of a per cent.
SHADES = (2000, 4000, 6000, 8000, 9500)


def heat(made: Detail, minute: str) -> SafeString:
    """A row for each day, a cell for each hour, which leads to its peak minute: the address that `minute` begins."""
    # What is the same in every cell is looked up once.
    title = _("%(tokens)s at %(time)s") if made.limit is None else _("%(share)s at %(time)s, %(tokens)s")
    alike = _Alike(escape(minute), escape(title))
    return SafeString("".join(_row(day, cells, made, alike) for day, cells in made.week))


class _Alike(NamedTuple):
    begins: str
    title: str


def _row(day: date, cells: tuple[Cell | None, ...], made: Detail, alike: _Alike) -> str:
    head = f'{escape(date_format(day, "D"))} <span class="wd">{escape(date_format(day, "j"))}</span>'
    starts, before = clock.midnight(day), on(day)
    row = (
        _used(cell, before, alike) if cell else _unused(starts + hour * clock.HOUR, made)
        for hour, cell in enumerate(cells)
    )
    return f'<tr><th scope="row">{head}</th>{"".join(row)}</tr>'


def _unused(hour: datetime, made: Detail) -> str:
    shade, title = "hx", _("not yet") if hour >= made.until else _("no use")
    if hour in made.unread:
        shade, title = "hn", _("not read")
    return f'<td class="{shade}" title="{escape(title)}"><span class="vh">{escape(title)}</span></td>'


def _used(cell: Cell, on_day: str, alike: _Alike) -> str:
    title = alike.title % {
        "time": f"{on_day}{display.time(cell.peak_at)}",
        "tokens": display.tokens(cell.peak),
        "share": words.share(cell.share),
    }
    shade, text = 0, "·"
    if cell.share is not None:
        shade, text = bisect_right(SHADES, cell.share), str(cell.share // 100)
    href = f"{alike.begins}{quote_plus(clock.rfc3339(cell.peak_at))}"
    return (
        f'<td class="h{shade}" title="{title}"><a href="{href}" hx-get="{href}" hx-target="#minute" '
        f'hx-swap="outerHTML show:#minute:top">{text}</a></td>'
    )
