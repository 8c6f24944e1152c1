"""Times read as whole seconds: a tick looks at thousands of rows, and Django's own reading of a time takes longest."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func
from django.db.models.sql.compiler import SQLCompiler


class Epoch(Func):
    """A time column in whole seconds since 1970, fractions left out."""

    output_field = BigIntegerField()
    arity = 1
    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """As SQLite says it, which keeps times as text in UTC; by itself it would round the fraction."""
        template = "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **context)


def moment(seconds: int) -> datetime:
    """The time that was read. Shape: aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)
