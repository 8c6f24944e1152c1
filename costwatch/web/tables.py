"""Tables of pages: rows ready to show, their order, their totals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.pictures import share_bar
from costwatch.insights.spend import Bounds, Line, Scope, Spend, lines
from costwatch.ledger.prices import in_force as price_table
from costwatch.web import names
from costwatch.web.address import Address
from costwatch.web.names import Called

CACHE_READ, OUTPUT = 3, 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table with its name, and what is derived from it for showing."""

    called: Called
    line: Line
    change: int
    share: str
    share_bar: SafeString
    change_share: str
    tokens: int
    cache_share: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column head: where a click sorts, and how it is sorted now (ascending, descending or nothing)."""

    key: str
    label: str
    query: str
    sorted: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their totals; `largest` decides the precision of the money columns."""

    rows: list[Row]
    columns: list[Column]
    figures: Spend
    change_share: str
    largest: int
    since: Bounds


_ORDERS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "name": lambda row: (row.called.label.casefold(), row.called.key),
    "reported": lambda row: (row.line.reported,),
    "change": lambda row: (row.change,),
    "since": lambda row: (row.line.since_then.low,),
    "forecast": lambda row: (row.line.forecast.middle if row.line.forecast else -1,),
}


def table(scope: Scope, figures: Spend, dimension: str, at: Address) -> Table:
    """The table of a dimension, in the order the address asks for."""
    known = names.workspaces(scope.organization) if dimension == "workspace_id" else {}
    rows = []
    for line in lines(scope, figures, dimension):
        called = names.workspace(line.value, known) if dimension == "workspace_id" else names.model(line.value)
        rows.append(_row(called, line, figures))
    field = at.sort.removeprefix("-")
    if field in _ORDERS:
        rows.sort(key=_ORDERS[field], reverse=at.sort.startswith("-"))
    else:
        field = "reported"
    descending = at.sort.startswith("-") or not at.sort
    return Table(
        rows=rows,
        columns=[_column(key, label, at, field, descending) for key, label in _heads(figures)],
        figures=figures,
        change_share=_signed_share(figures.delta, figures.compared_reported) if figures.compared else "",
        largest=max([abs(row.line.reported) for row in rows] + [abs(figures.reported)]),
        since=sum((row.line.since_then for row in rows), Bounds()),
    )


def _row(called: Called, line: Line, figures: Spend) -> Row:
    change = line.reported - line.compared
    inputs = sum(line.counts[:OUTPUT])
    return Row(
        called=called,
        line=line,
        change=change,
        share=display.percent(line.reported, figures.reported),
        share_bar=SafeString(share_bar(line.reported, figures.reported)),
        change_share=_signed_share(change, line.compared),
        tokens=sum(line.counts[:5]),
        cache_share=display.percent(line.counts[CACHE_READ], inputs),
        notes=tuple(_notes(line)),
    )


def _signed_share(change: int, of: int) -> str:
    share = display.percent(change, of)
    return display.signed(share, change) if share else ""


def _notes(line: Line) -> Sequence[str]:
    """What else is to be known about a model."""
    made = []
    if not line.contracted.is_exact:
        low, high = display.usd(line.contracted.low), display.usd(line.contracted.high)
        made.append(_("At your rates between %(low)s and %(high)s") % {"low": low, "high": high})
    if line.contracted.unpriced_tokens:
        count = display.tokens(line.contracted.unpriced_tokens)
        made.append(_("Price unknown: %(tokens)s tokens") % {"tokens": count})
    model = price_table().model(line.value)
    if model and model.retired_on:
        day = display.day(model.retired_on)
        words = _("Retires %(day)s") if model.retired_on >= clock.today() else _("Retired %(day)s")
        made.append(words % {"day": day})
    return made


def _heads(figures: Spend) -> list[tuple[str, str]]:
    heads = [("name", _("Name"))]
    if figures.reads_cost:
        heads.append(("reported", _("Reported")))
    if figures.compared:
        heads.append(("change", _("Change")))
    if figures.reported_until < figures.period.until:
        heads.append(("since", _("Since then")))
    if figures.forecast:
        heads.append(("forecast", _("Forecast")))
    return heads


def _column(key: str, label: str, at: Address, field: str, descending: bool) -> Column:
    now = ("descending" if descending else "ascending") if key == field else ""
    wanted = f"-{key}" if key != "name" else key
    if now:
        wanted = key if descending else f"-{key}"
    return Column(key, label, at.query(sort=wanted), now, key != "name")
