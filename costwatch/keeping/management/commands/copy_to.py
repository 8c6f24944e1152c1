"""manage.py copy_to: move an installation from SQLite to PostgreSQL; kill it at any point and run it again."""

import sqlite3
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.utils import Error

from costwatch.ingest.installation import pending_migrations
from costwatch.ingest.models import Installation
from costwatch.keeping import target
from costwatch.keeping.copying import Copy
from costwatch.keeping.failure import CannotKeep
from costwatch.keeping.sides import PostgresSide, SQLiteSide, session
from costwatch.keeping.standstill import refuse_while_read, standstill
from costwatch.keeping.totals import as_table

FROM_FILE = "source"


class Command(BaseCommand):
    help = "Copy everything to an empty PostgreSQL database and compare both. Run it again after an interruption."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="postgres://user@host:5432/name; PGPASSWORD is understood")
        parser.add_argument("--from-file", type=Path, metavar="FILE", help="default: the configured SQLite database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = _source(options["from_file"])
            folder = Path(connections[source].settings_dict["NAME"]).parent
            with standstill(folder, "manage.py copy_to"):
                refuse_while_read(source)
                self._copy(source, options["url"])
        except CannotKeep as error:
            raise CommandError(str(error)) from None
        except psycopg.Error as error:
            raise CommandError(f"PostgreSQL: {str(error).strip()}. Run this again: it carries on.") from None
        except (sqlite3.Error, Error) as error:
            raise CommandError(f"a database failed: {str(error).strip()}. Run this again: it carries on.") from None

    def _copy(self, source: str, url: str) -> None:
        began = time.monotonic()
        installation = _installation(source)
        target.open_target(url)
        is_complete = target.begin(installation)
        # BEGIN IMMEDIATE: whoever wants to write to the source waits.
        with transaction.atomic(using=source), session(connections[target.ALIAS]).raw as there:
            copy = Copy(SQLiteSide(connections[source].connection), PostgresSide(there), target.ALIAS, self._say)
            controls = copy.compare() if is_complete else copy.run()
            self.stdout.write(as_table(controls))
            if not all(one.is_equal for one in controls):
                self.stderr.write(
                    "The target was used since it was copied; nothing was changed there."
                    if is_complete
                    else f"The copy differs and cannot be used. {target.BEGIN_AGAIN}"
                )
                sys.exit(1)
            if not is_complete:
                target.finish(installation)
        self.stdout.write(
            f"Complete and equal, {time.monotonic() - began:.0f} s. Set DATABASE_URL to that database and start. "
            "The SQLite file is as it was."
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _source(file: Path | None) -> str:
    if file is None:
        if connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
            raise CannotKeep("the configured database is PostgreSQL already. Name the SQLite file with --from-file.")
        return DEFAULT_DB_ALIAS
    if not file.is_file():
        raise CannotKeep(f"there is no file {file}")
    entry = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file.resolve()),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
    connections.settings[FROM_FILE] = connections.configure_settings({**connections.settings, FROM_FILE: entry})[
        FROM_FILE
    ]
    return FROM_FILE


def _installation(source: str) -> Installation:
    """The source's own row. Raises: CannotKeep where there is nothing to copy."""
    try:
        if pending_migrations(source):
            raise CannotKeep("the source's schema is not up to date. Start costwatch on it once, or run migrate.")
        found = Installation.objects.using(source).first()
    except Error as error:
        raise CannotKeep(f"the source cannot be read: {error}") from None
    if found is None:
        raise CannotKeep("the source holds no installation: there is nothing to copy.")
    return found
