"""How PostgreSQL is kept: deadlines that are really in force, and transaction numbers that do not run out."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from costwatch.database import IDLE_IN_TRANSACTION_SECONDS
from costwatch.ingest.examine.line import OK, WARN, Line

GROUP = "Database"
# The server stops taking writes near 2,100 million; vacuum should never let it come this far.
OLD_TRANSACTIONS = 500_000_000


def upkeep() -> Iterator[Line]:
    """Deadlines and transaction numbers of the connected server; nothing where it is SQLite."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        )
        statement, idle = cursor.fetchone()
        cursor.execute("SELECT max(age(datfrozenxid)) FROM pg_database")
        (age,) = cursor.fetchone()
    yield from deadlines(statement, idle)
    yield transactions(age)


def deadlines(statement: str, idle: str) -> Iterator[Line]:
    """Whether statements and idle transactions end by themselves. A command sets no deadline for its statements."""
    do = (
        "Behind PgBouncer the database role sets them: ALTER ROLE costwatch SET statement_timeout = '120s'; "
        f"ALTER ROLE costwatch SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_SECONDS}s'."
    )
    if statement == "0" and settings.IS_POOLED:
        yield Line(GROUP, WARN, "statements may run for ever (statement_timeout is 0)", do)
    if idle == "0":
        yield Line(GROUP, WARN, "idle transactions hold their locks for ever", do)
    else:
        yield Line(GROUP, OK, f"idle transactions end after {idle}")


def transactions(age: int) -> Line:
    """How far the oldest transaction number is behind."""
    if age > OLD_TRANSACTIONS:
        return Line(
            GROUP,
            WARN,
            f"the oldest transaction number is {age / 1e6:,.0f} million behind; at 2,100 million writes stop",
            "Look why autovacuum does not finish (long transactions, replication slots), or run VACUUM FREEZE.",
        )
    return Line(GROUP, OK, f"the oldest transaction number is {age / 1e6:,.1f} million behind")
