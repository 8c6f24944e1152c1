"""PostgreSQL: the window is read back in binary and compared here; what differs is deleted, and copied in in binary.

Nothing here that a distributed schema refuses (MERGE is), and nothing that outlives a transaction, so that a pooler may
hand every transaction to another server process. Were two runs to write one window at once, the key of the second one's
rows would exist, and its transaction fail as a whole.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection
from django.db.models import Model

from costwatch import money
from costwatch.ledger.store.base import Moment, Row, Store
from costwatch.ledger.store.tables import Log, Table


class PostgresStore(Store):
    """Only differences are written: one DELETE a moment, one COPY a table."""

    vendor = "postgresql"

    def existing(self, table: Table, organization_id: int, moments: Collection[Moment]) -> dict[Moment, dict[int, Row]]:
        if not moments:
            return {}
        found: dict[Moment, dict[int, Row]] = {moment: {} for moment in moments}
        amounts = [index for index, column in enumerate(table.values) if column in table.money]
        with connection.wrap_database_errors, self._cursor() as cursor:
            cursor.execute(self._selected(table), (min(moments), max(moments), organization_id), binary=True)
            last: Moment | None = None
            rows: dict[int, Row] | None = None
            for row in cursor:
                if row[0] != last:
                    last, rows = row[0], found.get(row[0])
                if rows is not None:
                    rows[row[1]] = _pico(row[2:], amounts) if amounts else row[2:]
        return found

    def _insert(self, table: Table | Log, rows: Iterable[Row]) -> None:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        with (
            connection.wrap_database_errors,
            self._cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)') as copy,
        ):
            copy.set_types(_types(table.model, table.columns))
            write = copy.write_row
            for row in self._with_money(table, rows):
                write(row)

    def _overwrite(self, table: Table, rows: Sequence[Row]) -> None:
        # An update writes a new row and its index entry as well, one at a time: four times as slow as this.
        self._delete(table, [(row[0], row[1]) for row in rows])
        self._insert(table, rows)

    def _delete(self, table: Table, keys: Sequence[tuple[Moment, int]]) -> None:
        owners: dict[Moment, list[int]] = {}
        for moment, owner in keys:
            owners.setdefault(moment, []).append(owner)
        with connection.wrap_database_errors, self._cursor() as cursor:
            cursor.executemany(
                f'DELETE FROM "{table.name}" WHERE "{table.moment}" = %s AND "{table.owner}" = ANY(%s)',  # noqa: S608
                list(owners.items()),
            )

    @staticmethod
    def _cursor() -> "psycopg.Cursor[Any]":
        """A cursor that speaks binary, on the connection of Django, whose own ones speak text."""
        connection.ensure_connection()
        return psycopg.Cursor(connection.connection)


def _types(model: type[Model], columns: Sequence[str]) -> list[str]:
    """The columns' types without their modifiers, such as numeric for numeric(38,12)."""
    by_column = {field.column: field for field in model._meta.concrete_fields}
    return [str(by_column[column].db_type(connection)).split("(")[0] for column in columns]


def _pico(row: Row, places: Sequence[int]) -> Row:
    values = list(row)
    for place in places:
        values[place] = money.from_db(values[place])
    return tuple(values)
