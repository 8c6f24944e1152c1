"""PostgreSQL: a keyed upsert, pipelined by psycopg."""

from collections.abc import Sequence

from costwatch.ledger.store.base import Store, Table, Values


class PostgresStore(Store):
    """Correct by the plain way: INSERT .. ON CONFLICT DO UPDATE."""

    vendor = "postgresql"

    def upsert(self, table: Table, rows: Sequence[Values]) -> None:
        columns = ", ".join(f'"{column}"' for column in table.columns)
        marks = ", ".join(["%s"] * len(table.columns))
        keys = ", ".join(f'"{column}"' for column in table.key)
        sets = ", ".join(f'"{column}" = EXCLUDED."{column}"' for column in (*table.values, *table.unchanging))
        self._run_many(
            f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks}) ON CONFLICT ({keys}) DO UPDATE SET {sets}',  # noqa: S608
            self._adapted(table, rows),
        )
