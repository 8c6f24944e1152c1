"""A deadline for what one request asks the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

SECONDS = 5
# SQLite asks this often whether to go on: some milliseconds of work.
_STEPS = 20_000


@contextmanager
def deadline(seconds: float = SECONDS) -> Iterator[None]:
    """Stops a query that runs past the deadline.

    Raises: django.db.OperationalError when one was stopped.
    """
    if connection.vendor == "postgresql":
        # Within a transaction, so that the setting leaves with it, also through a pooler.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
            yield
        return
    connection.ensure_connection()
    database, ends = connection.connection, time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)
