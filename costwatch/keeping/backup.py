"""Making a backup while costwatch runs: whole or not at all, readable by nobody else."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import Error

from costwatch.ingest.installation import COPYING
from costwatch.keeping import programs
from costwatch.keeping.failure import CannotKeep, Damaged
from costwatch.keeping.record import Contents, as_text, beside, contents, record
from costwatch.keeping.sides import PostgresSide, SQLiteSide, session

ENDING = {"sqlite": "sqlite3", "postgresql": "pgdump"}
PARTIAL = ".partial"
FORGOTTEN_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    path: Path
    bytes: int
    seconds: float


def make(file: Path | None = None, *, reason: str = "backup", alias: str = DEFAULT_DB_ALIAS) -> Made:
    """Back up a database to a new file; without a name, into the data folder, where the newest of a reason are kept.

    Raises: CannotKeep; then nothing is left behind.
    """
    began, vendor = time.monotonic(), connections[alias].vendor
    folder = (file.parent if file else Path(settings.DATA_DIR) / "backups").resolve()
    if file and (file.exists() or beside(file).exists()):
        raise CannotKeep(f"{file} exists already; a backup never replaces one")
    try:
        if not file:
            folder.mkdir(mode=0o700, exist_ok=True)
            _sweep(folder)
        with _partial(folder) as partial:
            inside = (_of_sqlite if vendor == "sqlite" else _of_postgresql)(alias, partial)
            if inside.kind == COPYING:
                raise CannotKeep("the database holds an unfinished copy: finish it with copy_to first")
            to = file or folder / _name(inside, reason, vendor)
            _publish(partial, to, as_text(record(inside, vendor, partial)))
    except OSError as error:
        raise CannotKeep(f"the backup cannot be written to {folder}: {error.strerror or error}") from None
    except (sqlite3.Error, psycopg.Error, Error) as error:
        raise CannotKeep(f"the database cannot be backed up: {str(error).strip()}") from None
    if not file:
        _keep_newest(to, inside, reason)
    return Made(to, to.stat().st_size, time.monotonic() - began)


def _of_sqlite(alias: str, partial: Path) -> Contents:
    """One snapshot of the database, whoever writes to it meanwhile."""
    name = str(connections[alias].settings_dict["NAME"])
    if not Path(name).is_file():
        raise CannotKeep(f"there is no database {name}")
    with closing(sqlite3.connect(name, timeout=20)) as source, closing(sqlite3.connect(partial)) as copy:
        try:
            source.backup(copy)
            # A file that stands alone: no companion appears beside it when it is read.
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            if (said := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(said)
            return contents(SQLiteSide(copy))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise Damaged(f"the database {name} is damaged ({error})") from None


def _of_postgresql(alias: str, partial: Path) -> Contents:
    """What one snapshot sees: the dump and the totals beside it."""
    with session(connections[alias]).raw as raw:
        raw.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        raw.read_only = True
        side = PostgresSide(raw)
        (snapshot,) = side.ask("SELECT pg_export_snapshot()").fetchone() or ("",)
        inside = contents(side)
        programs.dump(connections[alias], partial, snapshot)
        return inside


@contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """A new file that only we can read, gone afterwards unless it got another name."""
    path = folder / f".costwatch-{os.getpid()}-{time.time_ns()}{PARTIAL}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield path
    finally:
        for left in folder.glob(f"{path.name}*"):
            left.unlink(missing_ok=True)


def _publish(partial: Path, to: Path, text: str) -> None:
    """Give a file and its record their names once both are on the disk; a record without its file is harmless."""
    written = partial.with_name(f"{partial.name}.json")
    written.touch(mode=0o600)
    written.write_text(text)
    for path in (partial, written):
        _to_disk(path)
    written.rename(beside(to))
    partial.rename(to)
    _to_disk(to.parent)


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _name(inside: Contents, reason: str, vendor: str) -> str:
    """Whose backup, why, when, and of which schema: how many migrations made it."""
    when = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{_whose(inside, reason)}{when}-schema-{len(inside.schema)}.{ENDING[vendor]}"


def _whose(inside: Contents, reason: str) -> str:
    return f"{'sandbox' if inside.kind == 'sandbox' else 'costwatch'}-{reason}-"


def _keep_newest(made: Path, inside: Contents, reason: str) -> None:
    ours = sorted(made.parent.glob(f"{_whose(inside, reason)}[0-9]*-schema-*{made.suffix}"), reverse=True)
    for old in ours[max(1, settings.BACKUPS_KEPT) :]:
        with suppress(OSError):
            old.unlink()
            beside(old).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what a backup left that was killed."""
    for left in folder.glob(f".costwatch-*{PARTIAL}*"):
        if time.time() - left.stat().st_mtime > FORGOTTEN_SECONDS:
            left.unlink(missing_ok=True)
