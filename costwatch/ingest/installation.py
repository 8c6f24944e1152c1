"""What this database is for. Sandbox data and real data never share one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor

from costwatch import clock
from costwatch.database import LOCK_SECONDS_OF_MIGRATIONS
from costwatch.ingest.models import Installation
from costwatch.upstream.credential import VARIABLE

# The kind of an installation that `manage.py copy_to` has not finished.
COPYING = "copying"


class WrongDatabase(Exception):
    """The database holds the other kind of data, a sandbox of another time, or half a copy."""


def prepare() -> None:
    """Bring the schema up to date: by itself on a local machine; in production somebody decides when.

    Our `migrate` makes a backup first. Raises: WrongDatabase naming the command, where migrations are missing in
    production, and where a copy into this database has not been finished.
    """
    _migrate()
    if Installation.objects.filter(kind=COPYING).exists():
        raise WrongDatabase(
            f"the database {settings.DATABASES['default']['NAME']} holds an unfinished copy: run the same manage.py "
            "copy_to again until it says that it is complete"
        )


def pending_migrations(alias: str = DEFAULT_DB_ALIAS) -> int:
    """How many migrations a database lacks. Raises: django.db.Error when it does not answer."""
    executor = MigrationExecutor(connections[alias])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _migrate() -> None:
    if not pending_migrations():
        return
    if settings.PRODUCTION:
        raise WrongDatabase("the database's schema is not up to date: run manage.py migrate")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = 0; SET lock_timeout = '{LOCK_SECONDS_OF_MIGRATIONS}s'")
    call_command("migrate", verbosity=0, interactive=False)
    # The next use opens a session with its own deadlines.
    if connection.vendor == "postgresql":
        connection.close()


def ensure() -> Installation:
    """Mark the database on its first start; afterwards, refuse what does not fit.

    Raises: WrongDatabase saying what to do.
    """
    kind = "sandbox" if settings.SANDBOX else "real"
    frozen = os.environ.get(clock.VARIABLE, "")
    row, _ = Installation.objects.get_or_create(
        pk=1, defaults={"kind": kind, "anchor": clock.now(), "frozen_now": frozen}
    )
    where = settings.DATABASES["default"]["NAME"]
    if row.kind != kind:
        raise WrongDatabase(
            f"the database {where} holds {'a sandbox' if row.kind == 'sandbox' else 'a real organization'}, and this "
            f"start is for {'the sandbox' if kind == 'sandbox' else 'a real organization'}. Point DATABASE_URL (or "
            "COSTWATCH_DATA_DIR) at another database."
        )
    if kind == "sandbox" and row.frozen_now != frozen:
        raise WrongDatabase(
            f"the sandbox in {where} was made {_told(row.frozen_now)}, and this start has {_told(frozen)}. Its history "
            "would not fit. Set COSTWATCH_NOW as it was, delete that file, or choose another COSTWATCH_DATA_DIR."
        )
    return row


def _told(frozen: str) -> str:
    return f"with COSTWATCH_NOW={frozen}" if frozen else "without COSTWATCH_NOW"


@contextmanager
def upstream() -> Iterator[None]:
    """The upstream of this installation: the vendor, or the sandbox, served in this process for as long as the block.

    Raises: WrongDatabase.
    """
    prepare()
    row = ensure()
    if not settings.SANDBOX:
        yield
        return
    from costwatch.upstream.sandbox.server import SandboxServer

    with SandboxServer(anchor=row.anchor) as sandbox:
        os.environ[VARIABLE] = sandbox.admin_key
        os.environ.pop(f"{VARIABLE}_FILE", None)
        settings.UPSTREAM_URL = sandbox.url
        yield
