"""SQLite to PostgreSQL, table after table in the order of the key, so that what is there says where to go on."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from typing import Any

import psycopg
from django.core.management.color import no_style
from django.db import connections

from costwatch import money
from costwatch.keeping import tables
from costwatch.keeping.failure import CannotKeep
from costwatch.keeping.sides import PostgresSide, SQLiteSide
from costwatch.keeping.tables import Table
from costwatch.keeping.totals import DIGEST, Control, Totals, compare, digest, ordered, totals
from costwatch.ledger import partitions

BATCH = 20_000
Row = tuple[Any, ...]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """The two ends of a copy, and who is told how far it is. The source must hold still."""

    source: SQLiteSide
    target: PostgresSide
    alias: str
    tell: Tell

    def run(self) -> list[Control]:
        """Copy what is missing and compare. Shape: every figure of both sides.

        Where a table differs, somebody wrote to the source since an earlier attempt: it is copied once more.
        """
        try:
            self._copy()
        except psycopg.IntegrityError:
            # A row that is there has another number by now.
            self._again({table.name for table in _moved()})
        controls = self.compare()
        if wrong := {one.table for one in controls if not one.is_equal}:
            self._again(wrong)
            controls = self.compare()
        return controls

    def _again(self, names: set[str]) -> None:
        self.target.raw.rollback()
        self.tell(f"The source has changed since the copy began; copying again: {', '.join(sorted(names))}")
        self.target.ask(f"TRUNCATE {', '.join(sorted(names))} CASCADE")
        self.target.raw.commit()
        self._copy()

    def compare(self) -> list[Control]:
        """Every figure of both sides: rows, sums, and the digest over every value."""
        here, there = totals(self.source, _moved()), totals(self.target, _moved())
        controls = compare(here, there)
        for table in _moved():
            self.tell(f"Comparing {table.name}")
            controls.append(Control(table.name, DIGEST, digest(self.source, table), digest(self.target, table)))
            self.target.raw.commit()
        return sorted(controls, key=lambda one: one.table)

    def _copy(self) -> None:
        here, there = totals(self.source, _moved()), totals(self.target, _moved())
        progress = _Progress(here, there, self.tell)
        for table in _moved():
            for written in self._copied(table):
                progress.add(table.name, written)
        self._set_sequences()
        self.target.raw.commit()
        self.target.ask("ANALYZE")
        self.target.raw.commit()

    def _copied(self, table: Table) -> Iterator[int]:
        """Write the rows behind the last one that is there, a batch a transaction. Shape: rows of each batch."""
        if table.name == partitions.TABLE:
            self._make_partitions()
        rows = map(_Written(table), self._rows_after(table, self._last_key(table)))
        types = self._types(table)
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        while batch := self._write(table, columns, types, islice(rows, BATCH)):
            yield batch

    def _write(self, table: Table, columns: str, types: list[str], rows: Iterator[Row]) -> int:
        written = 0
        sql = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
        try:
            with self.target.raw.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                copy.set_types(types)
                for written, row in enumerate(rows, 1):  # noqa: B007
                    copy.write_row(row)
            self.target.raw.commit()
        except psycopg.DataError as error:
            raise CannotKeep(f"a row of {table.name} cannot be stored by PostgreSQL: {str(error).strip()}") from None
        return written

    def _types(self, table: Table) -> list[str]:
        """The types of the columns as the database has them: a model may say `integer` where `bigint` was made."""
        sql = (
            "SELECT attname::text, atttypid::regtype::text FROM pg_attribute"  # noqa: S608
            f" WHERE attrelid = '\"{table.name}\"'::regclass"
        )
        of = dict(self.target.ask(sql).fetchall())
        return [of[column.name] for column in table.columns]

    def _last_key(self, table: Table) -> Row | None:
        keys = ", ".join(f'"{column.name}"' for column in table.keys)
        last = ordered(table, "postgresql", "DESC")
        sql = f'SELECT {keys} FROM "{table.name}" ORDER BY {last} LIMIT 1'  # noqa: S608
        found: Row | None = self.target.ask(sql).fetchone()
        return found and tuple(_as_sqlite(value) for value in found)

    def _rows_after(self, table: Table, key: Row | None) -> Iterator[Row]:
        # As an expression a time stays text: parsing it for every row would cost more than reading it.
        columns = ", ".join(
            f"\"{one.name}\" || ''" if one.kind in (tables.MOMENT, tables.DAY) else f'"{one.name}"'
            for one in table.columns
        )
        keys = ", ".join(f'"{column.name}"' for column in table.keys)
        behind = f"WHERE ({keys}) > ({', '.join('?' * len(key))})" if key else ""
        order = ordered(table, "sqlite")
        sql = f'SELECT {columns} FROM "{table.name}" {behind} ORDER BY {order}'  # noqa: S608
        return iter(self.source.ask(sql, key or ()))

    def _make_partitions(self) -> None:
        """The days that the minutes are divided by."""
        days = self.source.ask(f'SELECT DISTINCT substr("minute", 1, 10) FROM "{partitions.TABLE}"')  # noqa: S608
        partitions.make((date.fromisoformat(day) for (day,) in days), using=self.alias)
        self.target.raw.commit()

    def _set_sequences(self) -> None:
        """The next row of each table gets the number behind the last one."""
        models = [table.model for table in _moved()]
        for sql in connections[self.alias].ops.sequence_reset_sql(no_style(), models):
            self.target.ask(sql)


def _moved() -> tuple[Table, ...]:
    """Every table but the one row that makes the target an installation."""
    return tuple(table for table in tables.tables() if table.name != tables.INSTALLATION)


def _as_sqlite(value: Any) -> Any:
    """A part of a key as SQLite stores it."""
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return value.isoformat() if isinstance(value, date) else value


class _Written:
    """Turns a row of SQLite into what PostgreSQL is given."""

    def __init__(self, table: Table) -> None:
        makers: dict[str, Callable[[Any], Any]] = {
            tables.MOMENT: _Cached(_moment).of,
            tables.DAY: _Cached(date.fromisoformat).of,
            tables.MONEY: partial(money.to_db, vendor="postgresql"),
            tables.JSON: json.loads,
        }
        kinds = [(place, makers.get(column.kind)) for place, column in enumerate(table.columns)]
        self._made = [(place, make) for place, make in kinds if make]

    def __call__(self, row: Row) -> Row:
        values = list(row)
        for place, make in self._made:
            if values[place] is not None:
                values[place] = make(values[place])
        return tuple(values)


class _Cached:
    """Remembers what texts became: the same few times recur in thousands of rows."""

    MOST = 50_000

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make, self._known = make, dict[str, Any]()

    def of(self, text: str) -> Any:
        """What a text stands for."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            found = self._known[text] = self._make(text)
        return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class _Progress:
    """Tells what is done and what is left, in rows of all tables."""

    def __init__(self, here: Totals, there: Totals, tell: Tell) -> None:
        self._tell, self._began = tell, time.monotonic()
        self._all = {name: figures["rows"] for name, figures in here.items()}
        self._done = {name: figures["rows"] for name, figures in there.items()}
        self._skipped = sum(self._done.values())

    def add(self, table: str, rows: int) -> None:
        """Count a batch, and say so."""
        self._done[table] += rows
        done, every = sum(self._done.values()), sum(self._all.values())
        rate = (done - self._skipped) / max(time.monotonic() - self._began, 0.001)
        self._tell(
            f"{table}: {self._done[table]} of {self._all[table]} rows | all: {done} done, {max(every - done, 0)} left, "
            f"{rate:.0f} rows/s"
        )
