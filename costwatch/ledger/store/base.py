"""Replacing a set of rows: insert what is new, update what changed, delete what vanished, leave the rest untouched."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Model

from costwatch import money
from costwatch.ledger import models

Key = tuple[Any, ...]
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are replaced as a set: its key, its values, and which of those are money.

    `unchanging` are values that a row keeps from its first write for as long as the others are equal.
    """

    model: type[Model]
    key: tuple[str, ...]
    values: tuple[str, ...]
    money: frozenset[str] = frozenset()
    unchanging: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.values, *self.unchanging)


_CHARGED = (*models.COUNTS, *models.MONEY, "unpriced_tokens", "held")
_MONEY = frozenset(models.MONEY)
FACT = Table(models.Fact, ("bucket_start", "series_id"), models.COUNTS, unchanging=("run",))
SERIES_DAY = Table(models.SeriesDay, ("day", "series_id"), _CHARGED, _MONEY, unchanging=("price_id",))
SERIES_MONTH = Table(models.SeriesMonth, ("month", "series_id"), _CHARGED, _MONEY)
GROUP_DAY = Table(models.GroupDay, ("day", "group_id"), _CHARGED, _MONEY)
GROUP_MONTH = Table(models.GroupMonth, ("month", "group_id"), _CHARGED, _MONEY)
REPORTED = Table(
    models.ReportedLine, ("day", "series_id"), ("amount", "amount_cents"), frozenset({"amount"}), unchanging=("run",)
)
REVISION = Table(
    models.Revision, (), ("organization_id", "bucket_start", "series_id", *models.COUNTS, "seen_at", "run")
)
REPORTED_REVISION = Table(
    models.ReportedRevision,
    (),
    ("organization_id", "day", "series_id", "amount", "seen_at", "run"),
    frozenset({"amount"}),
)


@dataclass(slots=True)
class Replaced:
    """What a replacement did.

    Shape: `before` and `after` map the keys that differ to their values, None where there was or is no row.
    """

    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    before: dict[Key, Values | None] = field(default_factory=dict)
    after: dict[Key, Values | None] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.inserted + self.changed + self.deleted


class Store(ABC):
    """Writes rows fast and exactly on one kind of database. Call inside a transaction."""

    vendor: str

    def replace(self, table: Table, existing: Mapping[Key, Values], wanted: Mapping[Key, Values]) -> Replaced:
        """Make the rows of a set equal to `wanted`.

        Shape: both map a key to its values followed by the unchanging ones; the unchanging ones do not make a
        difference, they are written along with one.
        """
        compared = len(table.values)
        done = Replaced()
        upserts: list[Values] = []
        for key, values in wanted.items():
            old = existing.get(key)
            if old is not None and old[:compared] == values[:compared]:
                continue
            upserts.append((*key, *values))
            done.before[key], done.after[key] = old, values
            if old is None:
                done.inserted += 1
            else:
                done.changed += 1
        gone = [key for key in existing if key not in wanted]
        for key in gone:
            done.before[key], done.after[key] = existing[key], None
        done.deleted = len(gone)
        if upserts:
            self.upsert(table, upserts)
        if gone:
            self.delete(table, gone)
        return done

    def append(self, table: Table, rows: Sequence[Values]) -> None:
        """Add rows to an append-only table."""
        if rows:
            columns = ", ".join(f'"{column}"' for column in table.columns)
            marks = ", ".join(["%s"] * len(table.columns))
            self._run_many(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', self._adapted(table, rows))  # noqa: S608

    @abstractmethod
    def upsert(self, table: Table, rows: Sequence[Values]) -> None:
        """Insert rows; where the key exists, overwrite."""

    def delete(self, table: Table, keys: Sequence[Key]) -> None:
        """Delete rows by key."""
        where = " AND ".join(f'"{column}" = %s' for column in table.key)
        adapted = ([self.adapt(value) for value in key] for key in keys)
        self._run_many(f'DELETE FROM "{table.name}" WHERE {where}', adapted)  # noqa: S608

    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(sql, list(rows))

    def _adapted(self, table: Table, rows: Sequence[Values]) -> list[list[Any]]:
        """Rows in the database's own types. The same few times and days recur in thousands of rows: adapt each once."""
        plans = [column in table.money for column in table.columns]
        seen: dict[Any, Any] = {}
        out = []
        for row in rows:
            adapted = []
            for is_money, value in zip(plans, row, strict=True):
                if is_money:
                    value = money.to_db(value, self.vendor)
                elif isinstance(value, date):
                    if value not in seen:
                        seen[value] = self.adapt(value)
                    value = seen[value]
                adapted.append(value)
            out.append(adapted)
        return out

    @staticmethod
    def adapt(value: Any) -> Any:
        """One value in the database's own type."""
        if isinstance(value, datetime):
            return connection.ops.adapt_datetimefield_value(value)
        if isinstance(value, date):
            return connection.ops.adapt_datefield_value(value)
        return value
