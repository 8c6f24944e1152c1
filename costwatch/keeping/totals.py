"""What is compared after a move: rows, exact sums, and a digest over every value, alike on both databases."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from costwatch import money
from costwatch.keeping import tables
from costwatch.keeping.tables import Column, Table
from pricing.money import format_usd

ROWS, DIGEST = "rows", "digest"
CHUNK = 2000


class Cursor(Protocol):
    """What both drivers' cursors have."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def fetchmany(self, size: int, /) -> list[Any]: ...


class Side(Protocol):
    """One of the two databases, asked in its own SQL beneath Django, whose conversions cost more than the reading."""

    vendor: str

    def ask(self, sql: str) -> Cursor:
        """The answer to a small question."""

    def stream(self, sql: str) -> Cursor:
        """The answer to a large question, a piece at a time."""

    def names(self) -> dict[str, set[str]]:
        """The tables that are there, with their columns."""


Totals = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Control:
    """One figure of a table on both sides."""

    table: str
    what: str
    here: str
    there: str

    @property
    def is_equal(self) -> bool:
        """Whether both sides say the same."""
        return self.here == self.there


def present(side: Side) -> Iterator[Table]:
    """Those tables and columns of this version that the database has: its schema may be older."""
    names = side.names()
    for table in tables.tables():
        columns = tuple(column for column in table.columns if column.name in names.get(table.name, ()))
        if columns:
            yield Table(table.name, table.model, columns, ())


def totals(side: Side, of: Iterable[Table]) -> Totals:
    """Rows and sums of every count and amount. Units: pico-dollars for amounts. Shape: table -> figure -> number."""
    return {table.name: _totals(side, table) for table in of}


def _totals(side: Side, table: Table) -> dict[str, int]:
    summed = [column for column in table.columns if column.kind in (tables.COUNT, tables.MONEY)]
    asked = ", ".join(["count(*)", *(_sum(column, side.vendor) for column in summed)])
    row = side.ask(f'SELECT {asked} FROM "{table.name}"').fetchone()  # noqa: S608
    sums = {column.name: _whole(value, column) for column, value in zip(summed, row[1:], strict=True)}
    return {ROWS: int(row[0]), **sums}


def _sum(column: Column, vendor: str) -> str:
    name = f'"{column.name}"'
    if vendor == "sqlite":
        # In two parts: SQLite's own sum of integers ends at 2^63.
        return f"CAST(SUM({name} / 1000000) AS TEXT) || ':' || CAST(SUM({name} % 1000000) AS TEXT)"
    return f"sum({name})"


def _whole(value: str | Decimal | None, column: Column) -> int:
    if isinstance(value, Decimal) and column.kind == tables.COUNT:
        return int(value)
    return money.from_db(value) or 0


def digest(side: Side, table: Table) -> str:
    """A digest over every value of a table in the order of its key; equal on both databases if the values are."""
    as_json = table.places(tables.JSON)
    columns = ", ".join(_plain(column, side.vendor) for column in table.columns)
    rows = side.stream(f'SELECT {columns} FROM "{table.name}" ORDER BY {ordered(table, side.vendor)}')  # noqa: S608
    made = hashlib.blake2b(digest_size=16)
    while chunk := rows.fetchmany(CHUNK):
        made.update(repr([_sorted_json(row, as_json) for row in chunk] if as_json else chunk).encode())
    return made.hexdigest()


def ordered(table: Table, vendor: str, direction: str = "") -> str:
    """The order of the key, the same on both databases: PostgreSQL is told to order text by its bytes."""
    bytewise = "" if vendor == "sqlite" else ' COLLATE "C"'
    return ", ".join(
        f'"{column.name}"{bytewise if column.kind == tables.TEXT else ""} {direction}'.strip() for column in table.keys
    )


def _plain(column: Column, vendor: str) -> str:
    """A column as something both databases print alike."""
    name = f'"{column.name}"'
    if vendor == "sqlite":
        # As an expression a time stays the text it is stored as.
        return {
            tables.MOMENT: f"substr({name} || '.000000', 1, 26)",
            tables.DAY: f"{name} || ''",
        }.get(column.kind, name)
    return {
        tables.MOMENT: f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
        tables.DAY: f"to_char({name}, 'YYYY-MM-DD')",
        tables.MONEY: f"({name} * 1000000000000)::bigint",
        tables.JSON: f"{name}::text",
    }.get(column.kind, name)


def _sorted_json(row: tuple[Any, ...], places: tuple[int, ...]) -> tuple[Any, ...]:
    """A row with its JSON in one spelling: PostgreSQL keeps neither the order of keys nor blanks."""
    return tuple(
        json.dumps(json.loads(value), sort_keys=True) if index in places and value is not None else value
        for index, value in enumerate(row)
    )


def compare(here: Totals, there: Totals) -> list[Control]:
    """Every figure of both sides, one that is missing on a side said as such."""
    return [
        Control(table, what, told(table, what, here), told(table, what, there))
        for table in sorted({*here, *there})
        for what in dict.fromkeys([*here.get(table, ()), *there.get(table, ())])
    ]


def told(table: str, what: str, of: Totals) -> str:
    """One figure for a person: amounts in USD."""
    value = of.get(table, {}).get(what)
    if value is None:
        return "-"
    return f"{format_usd(value)} USD" if (table, what) in _amounts() else str(value)


def _amounts() -> set[tuple[str, str]]:
    return {
        (table.name, table.columns[place].name) for table in tables.tables() for place in table.places(tables.MONEY)
    }


def as_table(controls: Iterable[Control], here: str = "here", there: str = "there") -> str:
    """The comparison for a terminal; differences carry a mark."""
    rows = [("table", "figure", here, there, "")]
    rows += [(one.table, one.what, one.here, one.there, "equal" if one.is_equal else "DIFFERENT") for one in controls]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}".rstrip()
        for row in rows
    )
