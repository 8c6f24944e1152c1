"""Replacing sets of rows: insert what is new, overwrite what changed, delete what vanished, leave the rest alone."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from django.db import connection

from costwatch import money
from costwatch.ledger.store.tables import Log, Table

Moment = date
Row = tuple[Any, ...]
Rows = Mapping[int, Row]
Difference = tuple[int, Row | None, Row | None]


@dataclass(slots=True)
class Replaced:
    """What a replacement did.

    Shape: `differences` maps each moment with one to (owner, values before, values after); None: no row.
    """

    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    differences: dict[Moment, list[Difference]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.inserted + self.changed + self.deleted


class Store(ABC):
    """Reads and writes rows fast and exactly on one kind of database. Call inside a transaction."""

    vendor: str

    def replace(self, table: Table, organization_id: int, wanted: Mapping[Any, Rows], unchanging: Row = ()) -> Replaced:
        """Make an organization's rows of some moments equal to `wanted`.

        Shape: moment -> owner -> values. The unchanging values are no difference; they are written along with one.
        """
        existing = self.existing(table, organization_id, wanted.keys())
        done = Replaced()
        fresh: list[Moment] = []
        new: list[Row] = []
        changed: list[Row] = []
        gone: list[tuple[Moment, int]] = []
        for moment, rows in wanted.items():
            before = existing.get(moment)
            if before == rows:
                continue
            if not before:
                fresh.append(moment)
                done.inserted += len(rows)
                done.differences[moment] = [(owner, None, values) for owner, values in rows.items()]
                continue
            different = done.differences[moment] = list(_differences(before, rows))
            for owner, old, values in different:
                if values is None:
                    gone.append((moment, owner))
                else:
                    (new if old is None else changed).append((moment, owner, *values, *unchanging))
        done.inserted += len(new)
        done.changed, done.deleted = len(changed), len(gone)
        if gone:
            self._delete(table, gone)
        if changed:
            self._overwrite(table, changed)
        if done.inserted:
            # Made while they are written, and sorted by key, so that the index grows at its end.
            rows_of_fresh = (
                (moment, owner, *wanted[moment][owner], *unchanging)
                for moment in sorted(fresh)
                for owner in sorted(wanted[moment])
            )
            self._insert(table, chain(rows_of_fresh, new))
        return done

    def append(self, log: Log, rows: Sequence[Row]) -> None:
        """Add rows to a table of rows that are written once."""
        if rows:
            self._insert(log, rows)

    @abstractmethod
    def existing(self, table: Table, organization_id: int, moments: Collection[Moment]) -> dict[Moment, dict[int, Row]]:
        """An organization's rows of some moments, without the unchanging values."""

    @abstractmethod
    def _insert(self, table: Table | Log, rows: Iterable[Row]) -> None:
        """Insert rows whose keys are new."""

    @abstractmethod
    def _overwrite(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows whose keys exist."""

    def _delete(self, table: Table, keys: Sequence[tuple[Moment, int]]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                f'DELETE FROM "{table.name}" WHERE "{table.moment}" = %s AND "{table.owner}" = %s',  # noqa: S608
                [(self._adapted(moment), owner) for moment, owner in keys],
            )

    def _selected(self, table: Table) -> str:
        """The question behind `existing`: an organization's rows from one moment to another."""
        columns = ", ".join(f'"{column}"' for column in (table.owner, *table.values))
        whose = f'SELECT "id" FROM "{table.interned}" WHERE "organization_id" = %s'  # noqa: S608
        return (
            f'SELECT {self._read_moment(table)}, {columns} FROM "{table.name}" '  # noqa: S608
            f'WHERE "{table.moment}" >= %s AND "{table.moment}" <= %s AND "{table.owner}" IN ({whose})'
        )

    def _read_moment(self, table: Table) -> str:
        """The expression that reads a row's moment."""
        return f'"{table.moment}"'

    def _adapted(self, value: Any) -> Any:
        """A moment in the database's own type."""
        return value

    def _with_money(self, table: Table | Log, rows: Iterable[Row]) -> Iterable[Row]:
        """Rows with their amounts in the database's own type."""
        places = [index for index, column in enumerate(table.columns) if column in table.money]
        return (self._with_amounts(row, places) for row in rows) if places else rows

    def _with_amounts(self, row: Row, places: Sequence[int]) -> Row:
        values = list(row)
        for place in places:
            values[place] = money.to_db(values[place], self.vendor)
        return tuple(values)


def _differences(before: Rows, after: Rows) -> Iterator[Difference]:
    """Where two sets of rows differ."""
    for owner, values in after.items():
        old = before.get(owner)
        if old != values:
            yield owner, old, values
    for owner in before.keys() - after.keys():
        yield owner, before[owner], None
