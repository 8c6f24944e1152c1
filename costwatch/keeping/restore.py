"""Putting a backup back, all of it or nothing; or only looking whether that would work."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from costwatch.ingest.installation import COPYING
from costwatch.keeping import backup, opened, record, tables
from costwatch.keeping.failure import CannotKeep, Damaged
from costwatch.keeping.record import Contents, Record
from costwatch.keeping.sides import PostgresSide, SQLiteSide, session
from costwatch.keeping.totals import Control, Side, compare

LOCK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was restored to look at it: what it holds, beside what its record says."""

    said: Record | None
    inside: Contents
    controls: list[Control]

    @property
    def problems(self) -> list[str]:
        """What keeps it from being put back; sentences."""
        found = []
        if unknown := record.unknown_migrations(self.inside):
            found.append(f"Its schema is newer than this version of costwatch ({unknown[-1]}). Update costwatch first.")
        if self.inside.kind == COPYING:
            found.append("It holds an unfinished copy.")
        if any(not one.is_equal for one in self.controls):
            found.append("What it holds is not what its record says. Take another backup.")
        return found

    @property
    def doubts(self) -> list[str]:
        """What leaves a check open, and hinders nobody from putting it back; sentences."""
        found = []
        if not self.said:
            found.append("Its record is not beside it: it can be read, and nothing says whether all is there.")
        if missing := record.missing_migrations(self.inside):
            found.append(f"Its schema is older: {len(missing)} migrations are missing. Run migrate after restoring it.")
        return found


def check(file: Path) -> Checked:
    """Restore a backup into a temporary database and look at it. Raises: CannotKeep, Damaged."""
    vendor, said = _looked_at(file)
    connection = connections[DEFAULT_DB_ALIAS]
    if vendor == "sqlite":
        with opened.sqlite(file) as here:
            return _checked(said, here)
    if connection.vendor != vendor:
        raise CannotKeep(f"{file} is of PostgreSQL; checking it takes a server. Set DATABASE_URL to one.")
    with opened.postgresql(file, connection) as there:
        return _checked(said, there)


def restore(file: Path, *, replace: bool) -> tuple[Checked, Path | None]:
    """Put a backup in the place of the configured database. Shape: what came back, where what was there is kept.

    Nothing may run meanwhile: the caller sees to it. Raises: CannotKeep; then nothing has changed.
    """
    vendor, said = _looked_at(file)
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != vendor:
        raise CannotKeep(
            f"{file} is of {opened.TOLD[vendor]}, and the configured database is {opened.TOLD[connection.vendor]}. "
            "Restore it into its own kind; copy_to moves it from SQLite to PostgreSQL."
        )
    return (_into_sqlite if vendor == "sqlite" else _into_postgresql)(file, said, replace)


def _into_sqlite(file: Path, said: Record | None, replace: bool) -> tuple[Checked, Path | None]:
    place = Path(connections[DEFAULT_DB_ALIAS].settings_dict["NAME"])
    if file.resolve() == place.resolve():
        raise CannotKeep(f"{file} is the database itself; name a backup of it")
    with opened.sqlite(file) as here:
        checked = _refused(_checked(said, here))
        _forget_passing(here)
        here.raw.commit()
        kept = _made_room(place, replace)
        connections[DEFAULT_DB_ALIAS].close()
        try:
            # SQLite writes a backup into a database as one transaction: a power cut leaves what was there.
            with closing(sqlite3.connect(place, timeout=5)) as there:
                here.raw.backup(there)
        except sqlite3.Error as error:
            raise CannotKeep(f"{place} cannot be written: {error}. It is as it was.") from None
    place.chmod(0o600)
    return checked, kept


def _made_room(place: Path, replace: bool) -> Path | None:
    """See that nothing is lost: what is there is backed up, or set aside where it cannot be read any more."""
    if not place.is_file() or not place.stat().st_size:
        return None
    try:
        with closing(sqlite3.connect(place, timeout=5)) as there:
            if not record.holds_data(SQLiteSide(there)):
                return None
        _refuse_unless(replace)
        return backup.make(reason="before-restore").path
    except (Damaged, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.OperationalError):
            raise CannotKeep(f"{place} cannot be opened: {error}") from None
    _refuse_unless(replace)
    aside = datetime.now(UTC).strftime("damaged-%Y%m%dT%H%M%SZ")
    # The companions first: beside a new file they would be taken for its own.
    for ending in ("-wal", "-shm", ""):
        part = place.with_name(place.name + ending)
        if part.exists():
            part.rename(place.with_name(f"{place.name}.{aside}{ending}"))
    return place.with_name(f"{place.name}.{aside}")


def _into_postgresql(file: Path, said: Record | None, replace: bool) -> tuple[Checked, Path | None]:
    connection = connections[DEFAULT_DB_ALIAS]
    kept = None
    with session(connection, lock_timeout=f"{LOCK_SECONDS}s").raw as raw:
        there = PostgresSide(raw)
        if record.holds_data(there):
            _refuse_unless(replace)
            kept = backup.make(reason="before-restore").path
        try:
            _drop(there)
            opened.load(file, connection, raw)
            checked = _refused(_checked(said, there))
            _forget_passing(there)
            there.ask("ANALYZE")
        except psycopg.Error as error:
            raise CannotKeep(f"PostgreSQL: {str(error).strip()}. The database is as it was.") from None
    connection.close()
    return checked, kept


def _drop(there: PostgresSide) -> None:
    """Drop every table of ours, those of another version included. Raises: CannotKeep where others' stand there."""
    labels = tuple(f"{one.label}_" for one in apps.get_app_configs())
    names = sorted(there.names())
    if others := [name for name in names if not name.startswith((*labels, "django_"))]:
        raise CannotKeep(f"the database holds tables of something else ({', '.join(others[:3])}). Nothing was changed.")
    if names:
        there.ask(f"DROP TABLE {', '.join(names)} CASCADE")


def _looked_at(file: Path) -> tuple[str, Record | None]:
    vendor, said = opened.vendor_of(file), record.read(file)
    if said:
        record.refuse_altered(file, said)
    return vendor, said


def _checked(said: Record | None, side: Side) -> Checked:
    inside = record.contents(side)
    # Without a record the figures stand beside a blank, and the doubt is told.
    controls = compare(said.contents.totals, inside.totals) if said else []
    return Checked(said, inside, controls)


def _refused(checked: Checked) -> Checked:
    """Raises: CannotKeep where a backup cannot be put back, or is of the other kind of installation."""
    if checked.problems:
        raise CannotKeep(f"{' '.join(checked.problems)} Nothing was changed.")
    kind = "sandbox" if settings.SANDBOX else "real"
    if checked.inside.kind not in (kind, ""):
        what = {"sandbox": "the sandbox", "real": "a real organization"}
        raise CannotKeep(
            f"the backup is of {what[checked.inside.kind]}, and this installation is for {what[kind]}. Nothing was "
            "changed."
        )
    return checked


def _refuse_unless(replace: bool) -> None:
    if not replace:
        raise CannotKeep("the database holds data. With --replace it is backed up first and then replaced.")


def _forget_passing(side: Side) -> None:
    """Who was signed in and what was being read ended with the backup."""
    for name in set(tables.PASSING) & side.names().keys():
        side.ask(f'DELETE FROM "{name}"')  # noqa: S608
