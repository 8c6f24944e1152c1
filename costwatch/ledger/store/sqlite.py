"""SQLite: a keyed upsert, run many times over one prepared statement."""

from collections.abc import Sequence

from costwatch.ledger.store.base import Store, Table, Values


class SQLiteStore(Store):
    """One writer at a time, short transactions: at most one day of hours each."""

    vendor = "sqlite"

    def upsert(self, table: Table, rows: Sequence[Values]) -> None:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        marks = ", ".join(["%s"] * len(table.columns))
        self._run_many(
            f'INSERT OR REPLACE INTO "{table.name}" ({columns}) VALUES ({marks})',  # noqa: S608
            self._adapted(table, rows),
        )
