"""On PostgreSQL minutes lie in one partition a UTC day, so that 35 days can be kept by dropping the oldest."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

from costwatch import clock
from costwatch.ledger.models import MinuteFact

TABLE = MinuteFact._meta.db_table
DAYS = 35


def divide(apps: Any, schema_editor: Any) -> None:
    """Make the freshly created table of minutes one that is divided by its minute; on SQLite it stays whole."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(f'ALTER TABLE "{TABLE}" RENAME TO "{TABLE}_whole"')
    schema_editor.execute(
        f'CREATE TABLE "{TABLE}" (LIKE "{TABLE}_whole" INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
        'PARTITION BY RANGE ("minute")'
    )
    schema_editor.execute(f'DROP TABLE "{TABLE}_whole"')
    schema_editor.execute(f'ALTER TABLE "{TABLE}" ADD PRIMARY KEY ("minute", "series_id")')


def make(days: Iterable[date], using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the partitions of some days where they are missing. Call before minutes of these days are written."""
    to = connections[using]
    if to.vendor != "postgresql":
        return
    with to.cursor() as cursor:
        for day in sorted(set(days)):
            cursor.execute("SELECT to_regclass(%s)", [_name(day)])
            if cursor.fetchone() == (None,):
                since, until = clock.midnight(day), clock.midnight(day) + clock.DAY
                cursor.execute(
                    f'CREATE TABLE IF NOT EXISTS "{_name(day)}" PARTITION OF "{TABLE}" '
                    f"FOR VALUES FROM ('{since.isoformat()}') TO ('{until.isoformat()}')"
                )


def drop_before(day: date) -> int:
    """Let go of the minutes before a day. Shape: the partitions dropped, or on SQLite the rows deleted."""
    if connection.vendor != "postgresql":
        return MinuteFact.objects.filter(minute__lt=clock.midnight(day)).delete()[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = to_regclass(%s)",
            [TABLE],
        )
        old = sorted(name for (name,) in cursor.fetchall() if name < _name(day))
        for name in old:
            cursor.execute(f'DROP TABLE "{name}"')
    return len(old)


def oldest_kept(today: date) -> date:
    """The first day whose minutes are kept."""
    return today - timedelta(days=DAYS)


def _name(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"
