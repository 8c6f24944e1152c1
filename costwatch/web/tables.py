"""Tables of pages: rows ready to show, their order, their totals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.insights import display
from costwatch.insights.amounts import Bounds, Scope
from costwatch.insights.cache import kept
from costwatch.insights.pictures import share_bar
from costwatch.insights.query import BadQuestion
from costwatch.insights.spend import Line, Spend, lines
from costwatch.ledger.prices import in_force as price_table
from costwatch.web import names
from costwatch.web.address import Address
from costwatch.web.names import Called

CACHE_READ, OUTPUT = 3, 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table with its name, and what is derived from it for showing; None is an amount nobody knows."""

    called: Called
    line: Line
    reported: int | None
    since: Bounds | None
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
    """Rows with their totals; `largest` decides the precision of the money columns.

    Shape: `is_rounded` says that the parts, as they are shown, miss a total; `is_unread` that days are not read yet.
    """

    rows: list[Row]
    columns: list[Column]
    figures: Spend
    change_share: str
    largest: int
    reported: int | None
    since: Bounds | None
    is_rounded: bool
    is_unread: bool


_ORDERS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "name": lambda row: (row.called.label.casefold(), row.called.key),
    "reported": lambda row: (row.line.reported,),
    "change": lambda row: (row.change,),
    "since": lambda row: (row.line.since_then.low,),
    "forecast": lambda row: (row.line.forecast.middle if row.line.forecast else -1,),
}


def table(scope: Scope, figures: Spend, dimension: str, at: Address) -> Table:
    """The table of a dimension, in the order the address asks for."""
    return kept.get(("table", scope, dimension, at), lambda: _table(scope, figures, dimension, at))


def _table(scope: Scope, figures: Spend, dimension: str, at: Address) -> Table:
    found = lines(scope, figures, dimension)
    ranked = [line.value for line in found]
    known = names.coloured(scope.organization, ranked, not figures.reads_cost) if dimension == "workspace_id" else {}
    rows = []
    for line in found:
        called = names.workspace(line.value, known) if dimension == "workspace_id" else names.model(line.value)
        rows.append(_row(called, line, figures))
    heads = _heads(figures)
    field, descending = _order(at.sort, [key for key, _label in heads], figures)
    if at.sort and field == at.sort.removeprefix("-"):
        rows.sort(key=_ORDERS[field], reverse=descending)
    largest = max([abs(row.line.reported) for row in rows] + [abs(figures.reported)])
    since = sum((row.line.since_then for row in rows), Bounds())
    return Table(
        rows=rows,
        columns=[_column(key, label, at, field, descending) for key, label in heads],
        figures=figures,
        change_share=_signed_share(figures.delta, figures.compared_reported) if figures.compared else "",
        largest=largest,
        reported=figures.reported if figures.knows_reported else None,
        since=since if figures.knows_since else None,
        is_rounded=_is_rounded(rows, figures, since, largest),
        is_unread=figures.unread_days > 0 or not (figures.knows_reported or figures.knows_since),
    )


def _order(sort: str, shown: Sequence[str], figures: Spend) -> tuple[str, bool]:
    """The column a table is ordered by, and whether downward; one that is not shown now counts as none.

    Raises: BadQuestion where no table has such a column.
    """
    field = sort.removeprefix("-")
    if sort and field not in _ORDERS:
        raise BadQuestion("the order is one of: " + ", ".join(_ORDERS) + "; with a minus before it downward")
    if field in shown:
        return field, sort.startswith("-")
    return ("reported" if figures.knows_reported else "since"), True


def _is_rounded(rows: Sequence[Row], figures: Spend, since: Bounds, largest: int) -> bool:
    columns = [
        ([row.line.reported for row in rows], figures.reported, figures.knows_reported),
        ([row.change for row in rows], figures.delta, figures.compared is not None),
        ([row.line.since_then.low for row in rows], since.low, figures.knows_since),
    ]
    return any(known and display.rounded_apart(parts, total, largest) for parts, total, known in columns)


def _row(called: Called, line: Line, figures: Spend) -> Row:
    change = line.reported - line.compared
    inputs = sum(line.counts[:OUTPUT])
    part, whole = line.reported, figures.reported
    if not figures.reads_cost:
        then = figures.since_then
        part, whole = line.since_then.low, then.low if then.is_exact and not then.unpriced_tokens else 0
    return Row(
        called=called,
        line=line,
        reported=line.reported if figures.knows_reported else None,
        since=line.since_then if figures.knows_since else None,
        change=change,
        share=display.percent(part, whole),
        share_bar=SafeString(share_bar(part, whole)),
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
    if not line.contracted.is_exact and not line.contracted.unpriced_tokens:
        low, high = display.usd(line.contracted.low), display.usd(line.contracted.high)
        made.append(_("At your rates between %(low)s and %(high)s") % {"low": low, "high": high})
    if line.contracted.unpriced_tokens and line.contracted.low:
        made.append(_("At your rates at least %(low)s") % {"low": display.usd(line.contracted.low)})
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
        label = _("Since then") if figures.knows_reported else _("So far")
        heads.append(("since", label if figures.reads_cost else _("At your rates")))
    if figures.forecast:
        heads.append(("forecast", _("Forecast")))
    return heads


def _column(key: str, label: str, at: Address, field: str, descending: bool) -> Column:
    now = ("descending" if descending else "ascending") if key == field else ""
    wanted = f"-{key}" if key != "name" else key
    if now:
        wanted = key if descending else f"-{key}"
    return Column(key, label, at.query(sort=wanted), now, key != "name")
