"""Making sure that nothing writes: the data folder's lock, leases, and who is connected."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import DatabaseError, OperationalError

from costwatch.ingest import lease
from costwatch.ingest.folder_lock import FolderInUse, only_one
from costwatch.ingest.models import Lease
from costwatch.keeping.failure import CannotKeep
from costwatch.role import ALONE, BEAT, WEB, WORKER


@contextmanager
def standstill(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock that `manage.py up` holds while it serves a data folder.

    Raises: CannotKeep when somebody else has it.
    """
    try:
        with only_one(folder, what):
            yield
    except FolderInUse as holder:
        raise CannotKeep(f"costwatch runs on the data folder {folder} ({holder}). Stop it first.") from None


def refuse_while_read(alias: str) -> None:
    """Raises: CannotKeep while a run holds a lease, or another part of costwatch is connected."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        _refuse_while_connected(alias)
    try:
        if Lease._meta.db_table not in connection.introspection.table_names():
            return
        if alias == DEFAULT_DB_ALIAS:
            lease.sweep()
    except OperationalError as error:
        raise CannotKeep(f"the database is in use: {error}. Stop costwatch first.") from None
    except DatabaseError:
        # A damaged database is read by nobody.
        return
    held = Lease.objects.using(alias).filter(expires_at__gt=datetime.now(UTC)).values_list("source", flat=True)
    if names := ", ".join(sorted(held)):
        raise CannotKeep(f"{names} is being read right now. Stop costwatch, wait a minute and run this again.")


def _refuse_while_connected(alias: str) -> None:
    parts = [f"costwatch {role}" for role in (ALONE, WEB, WORKER, BEAT)]
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ANY(%s)",
            [parts],
        )
        found = ", ".join(sorted(name for (name,) in cursor.fetchall()))
    if found:
        raise CannotKeep(f"{found} is connected to the database. Stop costwatch first.")
