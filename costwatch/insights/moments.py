"""Days and moments of UTC in the database's own terms: Django's would be a Python function per row on SQLite."""

from typing import Any

from django.db.models import DateField, DateTimeField, Func
from django.db.models.functions import TruncDate


class UtcDay(TruncDate):
    """The UTC day of a moment. SQLite keeps moments in UTC and has a function of its own, many times faster."""

    output_field = DateField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        inner, params = compiler.compile(self.lhs)
        return f"date({inner})", tuple(params)


class Midnight(Func):
    """The moment a day begins in UTC: compared with a column of moments, that column's index serves."""

    output_field = DateTimeField()
    template = "(%(expressions)s::timestamp AT TIME ZONE 'UTC')"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        sql, params = self.as_sql(compiler, connection, template="(%(expressions)s || ' 00:00:00')", **extra)
        return sql, tuple(params)
