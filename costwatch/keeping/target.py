"""The PostgreSQL database an installation is copied to: opened, judged, migrated, marked.

Until the copy is complete its Installation row is of the kind `copying`, which every start refuses. The row carries the
moment the source was made, so that a copy goes on only from the installation it began with.
"""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.db.utils import Error

from costwatch import database
from costwatch.environment import database_of
from costwatch.ingest.installation import COPYING, pending_migrations
from costwatch.ingest.models import Installation
from costwatch.keeping import tables
from costwatch.keeping.failure import CannotKeep
from costwatch.role import COMMAND

ALIAS = "target"
BEGIN_AGAIN = "Empty that database (drop and create it) and run this again."


def configured(url: str) -> dict[str, Any]:
    """The entry of `DATABASES` for an address. Raises: CannotKeep where it is none of PostgreSQL."""
    given = database_of(url)
    if given is None or given["ENGINE"] != "django.db.backends.postgresql" or not given.get("NAME"):
        raise CannotKeep("the target is not an address such as postgres://user@host:5432/name")
    if not given.get("PASSWORD") and settings.DATABASE_PASSWORD:
        given["PASSWORD"] = settings.DATABASE_PASSWORD
    return database.connecting(given, role=COMMAND, is_pooled=False)


def open_target(url: str) -> None:
    """Make the target known under its alias, and reach it. Raises: CannotKeep."""
    entry = configured(url)
    connections.settings[ALIAS] = connections.configure_settings(
        {**connections.settings, ALIAS: {**entry, "CONN_MAX_AGE": None}}
    )[ALIAS]
    try:
        connections[ALIAS].ensure_connection()
    except Error as error:
        raise CannotKeep(f"the target cannot be reached: {str(error).strip()}") from None


def begin(source: Installation) -> bool:
    """Bring the target to where rows can be written. Shape: whether it is complete already.

    Raises: CannotKeep where it holds anything but an unfinished copy of this installation.
    """
    _refuse_other_tables()
    if (held := _held()) is None:
        call_command("migrate", database=ALIAS, interactive=False, verbosity=0)
        _refuse_rows()
        _mark(source)
        return False
    if held.anchor != source.anchor or held.kind not in (COPYING, source.kind):
        what = "an unfinished copy of" if held.kind == COPYING else f"{_told(held.kind)}:"
        raise CannotKeep(f"the target holds {what} another installation. {BEGIN_AGAIN}")
    if pending_migrations(ALIAS):
        raise CannotKeep(f"the target was begun by another version of costwatch. {BEGIN_AGAIN}")
    return held.kind != COPYING


def finish(source: Installation) -> None:
    """Turn the target into an installation."""
    source.save(using=ALIAS)


def _refuse_other_tables() -> None:
    others = sorted(set(connections[ALIAS].introspection.table_names()) - tables.known_names())
    if others:
        raise CannotKeep(
            f"the target holds tables of something else ({', '.join(others[:3])}). Give it one of its own."
        )


def _held() -> Installation | None:
    if tables.INSTALLATION not in connections[ALIAS].introspection.table_names():
        return None
    with connections[ALIAS].cursor() as cursor:
        # By name: the schema may be older than the model.
        cursor.execute(f'SELECT "kind", "anchor" FROM "{tables.INSTALLATION}"')  # noqa: S608
        row = cursor.fetchone()
    return Installation(kind=row[0], anchor=row[1]) if row else None


def _refuse_rows() -> None:
    filled = [
        table.name
        for table in tables.tables()
        if table.name not in tables.MADE_BY_MIGRATIONS and table.model._base_manager.using(ALIAS).exists()
    ]
    if filled:
        raise CannotKeep(f"the target holds data that no copy has made (in {', '.join(filled[:3])}). {BEGIN_AGAIN}")


def _mark(source: Installation) -> None:
    """From here on the rows are the source's, those that migrations made included."""
    with transaction.atomic(using=ALIAS):
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables.MADE_BY_MIGRATIONS)} CASCADE")
        Installation(pk=1, kind=COPYING, anchor=source.anchor).save(using=ALIAS, force_insert=True)


def _told(kind: str) -> str:
    return "a sandbox" if kind == "sandbox" else "a real organization"
