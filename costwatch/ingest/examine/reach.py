"""What is reachable: the database and what it holds, and the broker."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory

from costwatch.broker import is_readable, scheme
from costwatch.ingest.examine.line import FAIL, NOTE, OK, Line, counted, first_line, within
from costwatch.ingest.examine.postgres import upkeep
from costwatch.ingest.installation import WrongDatabase, ensure, pending_migrations
from costwatch.ingest.models import Installation

DATABASE, BROKER = "Database", "Broker"
DATABASE_SECONDS = 2.0
BROKER_SECONDS = 2.0


def database() -> Iterator[Line]:
    """Kind, reachability, schema, and whether it holds the kind of data this start is for. Writes nothing."""
    reached = _reached()
    yield reached
    if reached.mark != OK:
        return
    yield from upkeep()
    try:
        missing = pending_migrations()
    except (DatabaseError, InconsistentMigrationHistory) as error:
        yield Line(DATABASE, FAIL, f"the schema cannot be read: {first_line(error)}", "Restore the newest backup.")
        return
    if missing:
        mark, do = (FAIL, "Run manage.py migrate.") if settings.PRODUCTION else (NOTE, "The next start applies them.")
        yield Line(DATABASE, mark, f"{counted(missing, 'migration')} not applied", do)
        return
    yield Line(DATABASE, OK, "the schema is up to date")
    if not Installation.objects.exists():
        yield Line(
            DATABASE, NOTE, "the database is new: nothing has been read into it", "Start make run or manage.py sync."
        )
        return
    try:
        held = ensure()
    except WrongDatabase as error:
        what, _, do = str(error).partition(". ")
        yield Line(DATABASE, FAIL, what, do or "Choose another database.")
    else:
        yield Line(
            DATABASE, OK, f"it holds {'a sandbox' if held.kind == 'sandbox' else 'a real organization'}, as it should"
        )


def has_tables() -> bool:
    """Whether the database was ever prepared."""
    return Installation._meta.db_table in connection.introspection.table_names()


def _reached() -> Line:
    if connection.vendor == "sqlite":
        outcome: Exception | None = None
        try:
            _ask()
        except DatabaseError as error:
            outcome = error
        name = f"SQLite at {connection.settings_dict['NAME']}"
        do = "Look at the file's owner and free space; a broken file is replaced by the newest backup."
    else:
        # A thread has a connection of its own, so that one that hangs is left behind.
        outcome = within(DATABASE_SECONDS, {"ask": _ask_and_close})["ask"]
        where = connection.settings_dict
        name = f"{connection.display_name} {where['NAME']} at {where['HOST'] or 'the local socket'}"
        do = "Start the database, or correct DATABASE_URL."
    if isinstance(outcome, Exception):
        return Line(DATABASE, FAIL, f"{name} cannot be reached: {first_line(outcome)}", do)
    return Line(DATABASE, OK, f"{name} answers")


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_and_close() -> None:
    try:
        _ask()
    finally:
        connection.close()


def broker() -> Iterator[Line]:
    """Whether the broker answers within two seconds; one in memory always does."""
    url = str(settings.BROKER_URL)
    if url.startswith("memory:"):
        yield Line(BROKER, OK, "in memory: right for web, worker and beat in one process (manage.py up)")
        return
    where = _without_password(url)
    outcome = within(BROKER_SECONDS, {"ask": lambda: _ring(url)})["ask"]
    if isinstance(outcome, Exception):
        # A URL that cannot be read is quoted in the error, its password with it.
        why = "its URL cannot be read" if isinstance(outcome, ValueError) else first_line(outcome)
        yield Line(
            BROKER,
            FAIL,
            f"{where} cannot be reached: {why}",
            "Start it, or correct COSTWATCH_BROKER_URL. Nothing is lost meanwhile: the database knows what is due.",
        )
    else:
        yield Line(BROKER, OK, f"{where} answers")


def _ring(url: str) -> None:
    from kombu.connection import Connection

    with Connection(url, connect_timeout=BROKER_SECONDS) as asked:  # type: ignore[no-untyped-call]
        asked.connect()


def _without_password(url: str) -> str:
    if not is_readable(url):
        return f"the {scheme(url)} broker"
    parts = urlsplit(url)
    if "@" in url and "@" not in parts.netloc:
        # A # or / of a password that was not written as %23 or %2F: what looks like the host is a piece of it.
        return f"the {parts.scheme} broker"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
