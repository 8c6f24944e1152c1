"""SQLite: one prepared statement run over many rows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice
from typing import Any

from django.db import connection

from costwatch.ledger.store.base import Moment, Row, Store
from costwatch.ledger.store.tables import Log, Table

# Rows that one statement inserts. After each statement SQLite lets other threads run, and may wait for its turn.
TOGETHER = 20


class SQLiteStore(Store):
    """One writer at a time, short transactions: at most one day of hours each."""

    vendor = "sqlite"

    def existing(self, table: Table, organization_id: int, moments: Collection[Moment]) -> dict[Moment, dict[int, Row]]:
        if not moments:
            return {}
        texts = {self._adapted(moment): moment for moment in moments}
        found: dict[Any, dict[int, Row]] = {text: {} for text in texts}
        for row in self._read(self._selected(table), (min(texts), max(texts), organization_id)):
            rows = found.get(row[0])
            if rows is not None:
                rows[row[1]] = row[2:]
        return {moment: found[text] for text, moment in texts.items()}

    def _insert(self, table: Table | Log, rows: Iterable[Row]) -> None:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        one = f"({', '.join('?' * len(table.columns))})"
        insert = f'INSERT INTO "{table.name}" ({columns}) VALUES '  # noqa: S608
        rest: list[Row] = []
        blocks = _blocks(self._adapted_rows(self._with_money(table, rows)), rest)
        self._write(insert + ", ".join([one] * TOGETHER), blocks)
        self._write(insert + one, rest)

    def _overwrite(self, table: Table, rows: Sequence[Row]) -> None:
        assigned = ", ".join(f'"{column}" = ?' for column in (*table.values, *table.unchanging))
        self._write(
            f'UPDATE "{table.name}" SET {assigned} WHERE "{table.moment}" = ? AND "{table.owner}" = ?',  # noqa: S608
            ((*row[2:], row[0], row[1]) for row in self._adapted_rows(self._with_money(table, rows))),
        )

    def _read_moment(self, table: Table) -> str:
        # An expression has no declared type, so the text stays text instead of being parsed for every row.
        return f"\"{table.moment}\" || ''"

    def _adapted(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return connection.ops.adapt_datetimefield_value(value)
        return connection.ops.adapt_datefield_value(value)

    def _adapted_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows with their times as text. The same few recur in thousands of rows: each is adapted once."""
        texts = _Texts(self._adapted)
        timed: list[int] | None = None
        for row in rows:
            if timed is None:
                timed = [index for index, value in enumerate(row) if isinstance(value, date)]
            if timed == [0]:
                yield (texts[row[0]], *row[1:])
                continue
            values = list(row)
            for index in timed:
                values[index] = texts[row[index]]
            yield tuple(values)

    # Beneath Django's cursor: its rewriting of marks and its conversions cost as much as SQLite itself.

    @staticmethod
    def _read(sql: str, parameters: Row) -> Iterable[Row]:
        connection.ensure_connection()
        rows: Iterable[Row] = connection.connection.execute(sql.replace("%s", "?"), parameters)
        return rows

    @staticmethod
    def _write(sql: str, rows: Iterable[Row]) -> None:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            connection.connection.executemany(sql, rows)


def _blocks(rows: Iterator[Row], rest: list[Row]) -> Iterator[Row]:
    """The values of as many rows as are written together, one row behind the other. `rest` gets what is left."""
    while len(block := list(islice(rows, TOGETHER))) == TOGETHER:
        yield tuple(chain.from_iterable(block))
    rest += block


class _Texts(dict[date, Any]):
    """What each moment is to SQLite, worked out on first sight."""

    def __init__(self, adapt: Callable[[date], Any]) -> None:
        super().__init__()
        self._adapt = adapt

    def __missing__(self, moment: date) -> Any:
        text = self[moment] = self._adapt(moment)
        return text
