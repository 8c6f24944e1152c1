"""A backup opened where nobody uses it: a temporary database, gone afterwards."""

import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from costwatch.keeping import programs
from costwatch.keeping.failure import CannotKeep, Damaged
from costwatch.keeping.sides import PostgresSide, SQLiteSide, session

MAGIC = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}
FORGOTTEN_SECONDS = 24 * 3600
TOLD = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def vendor_of(file: Path) -> str:
    """Which database a backup is of. Raises: CannotKeep."""
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        raise CannotKeep(f"{file} cannot be read: {error.strerror}") from None
    found = next((vendor for magic, vendor in MAGIC.items() if head.startswith(magic)), None)
    if not found:
        raise CannotKeep(f"{file} is no backup: it is neither a SQLite database nor written by pg_dump")
    return found


@contextmanager
def sqlite(file: Path) -> Iterator[SQLiteSide]:
    """A copy of a SQLite backup. Raises: Damaged where a page, an index or a reference does not fit."""
    # Immutable: nothing is written beside the backup, which may lie where nothing can be.
    _sweep(Path(settings.DATA_DIR))
    address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
    with (
        tempfile.TemporaryDirectory(prefix="restoring-", dir=settings.DATA_DIR) as folder,
        closing(sqlite3.connect(address, uri=True)) as source,
        closing(sqlite3.connect(Path(folder) / "restored.sqlite3")) as copy,
    ):
        try:
            source.backup(copy)
            _refuse_damaged(copy)
        except sqlite3.OperationalError as error:
            raise CannotKeep(f"{file} cannot be restored: {error}") from None
        except sqlite3.DatabaseError as error:
            raise Damaged(f"{file} is damaged: {error}. Take another backup.") from None
        yield SQLiteSide(copy)


def _sweep(folder: Path) -> None:
    """Remove what was left by one that was killed."""
    for left in folder.glob("restoring-*"):
        if time.time() - left.stat().st_mtime > FORGOTTEN_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _refuse_damaged(database: sqlite3.Connection) -> None:
    """Raises: sqlite3.DatabaseError where a page, an index or a reference does not fit."""
    (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise sqlite3.DatabaseError(said)
    if row := database.execute("PRAGMA foreign_key_check").fetchone():
        raise sqlite3.DatabaseError(f"a row of {row[0]} refers to one that is missing")


@contextmanager
def postgresql(file: Path, connection: BaseDatabaseWrapper) -> Iterator[PostgresSide]:
    """A PostgreSQL backup in a database of its own on the same server."""
    name = f"costwatch_check_{secrets.token_hex(6)}"
    with session(connection).raw as server:
        server.autocommit = True
        _drop_forgotten(server)
        try:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {_letters(server)}'.encode())
        except psycopg.errors.InsufficientPrivilege:
            raise CannotKeep(
                "checking a backup takes a temporary database, which this role may not create. Allow it with "
                "ALTER ROLE ... CREATEDB, or set DATABASE_URL to a server where it may."
            ) from None
        try:
            with session(connection, dbname=name).raw as raw:
                load(file, connection, raw)
                yield PostgresSide(raw)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _drop_forgotten(server: "psycopg.Connection[Any]") -> None:
    """Drop what was left by one that was killed."""
    left = server.execute(
        "SELECT datname FROM pg_database d WHERE datname LIKE 'costwatch\\_check\\_%'"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)"
    ).fetchall()
    for (name,) in left:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())


def _letters(server: "psycopg.Connection[Any]") -> str:
    """The encoding and order of letters of the database a session is on, for one beside it."""
    sql = (
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
    )
    row = server.execute(sql).fetchone()
    return "ENCODING '{}' LC_COLLATE '{}' LC_CTYPE '{}'".format(*row or ())


def load(file: Path, connection: BaseDatabaseWrapper, raw: "psycopg.Connection[Any]") -> None:
    """Run a backup's SQL in a session's open transaction; whether it stays is up to the caller.

    Raises: Damaged, CannotKeep.
    """
    try:
        with programs.script(connection, file) as lines:
            _run(lines, raw)
    except psycopg.Error as error:
        raise Damaged(f"{file} cannot be restored: {str(error).strip()}") from None
    # The script has set a path without schemas and other things of its own.
    raw.execute(b"RESET ALL")


def _run(lines: Iterator[bytes], raw: "psycopg.Connection[Any]") -> None:
    """Statements are run together up to the next COPY; the rows behind it are streamed."""
    statements: list[bytes] = []
    for line in lines:
        if line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n"):
            _execute(raw, statements)
            with raw.cursor() as cursor, cursor.copy(line.removesuffix(b";\n")) as copy:
                for row in lines:
                    if row == b"\\.\n":
                        break
                    copy.write(row)
                else:
                    raise psycopg.DataError("it ends within the rows of a table")
        elif not line.startswith(b"\\"):
            statements.append(line)
    _execute(raw, statements)


def _execute(raw: "psycopg.Connection[Any]", statements: list[bytes]) -> None:
    if statements:
        raw.execute(b"".join(statements))
        statements.clear()
