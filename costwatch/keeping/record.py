"""What a backup says of itself, in a file beside it: what is inside, and how to tell that all of it is there."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db.migrations.loader import MigrationLoader

from costwatch import __version__
from costwatch.ingest.models import Coverage
from costwatch.keeping import tables
from costwatch.keeping.failure import CannotKeep, Damaged
from costwatch.keeping.totals import Side, Totals, present, totals


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds: `kind` of installation, applied migrations, the covered span, counts and exact sums."""

    kind: str
    schema: tuple[str, ...]
    since: str
    until: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Record:
    """A backup's contents, and size and digest of its file."""

    made_at: str
    costwatch: str
    vendor: str
    bytes: int
    blake2b: str
    contents: Contents


def contents(side: Side) -> Contents:
    """What a database holds; its schema may be another version's. Raises: Damaged where it is no costwatch database."""
    names = side.names()
    if tables.MIGRATIONS not in names or tables.INSTALLATION not in names:
        raise Damaged("the database holds no tables of costwatch")
    applied = side.ask(f"SELECT app, name FROM {tables.MIGRATIONS}").fetchall()  # noqa: S608
    row = side.ask(f"SELECT kind FROM {tables.INSTALLATION}").fetchone()  # noqa: S608
    since, until = _span(side) if Coverage._meta.db_table in names else ("", "")
    schema = tuple(sorted(f"{app}.{name}" for app, name in applied))
    return Contents(row[0] if row else "", schema, since, until, totals(side, present(side)))


def holds_data(side: Side) -> bool:
    """Whether a database has rows that no migration made."""
    names = (table.name for table in present(side) if table.name not in tables.MADE_BY_MIGRATIONS)
    return any(side.ask(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in names)  # noqa: S608


def missing_migrations(of: Contents) -> list[str]:
    """Migrations of this version that a database lacks: its schema is older."""
    return sorted(_known() - set(of.schema))


def unknown_migrations(of: Contents) -> list[str]:
    """Migrations that this version does not know: the schema is newer."""
    return sorted(set(of.schema) - _known())


def record(of: Contents, vendor: str, file: Path) -> Record:
    """The record of a file that was just written."""
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Record(made_at, __version__, vendor, file.stat().st_size, _digest(file), of)


def beside(file: Path) -> Path:
    """Where the record of a backup lies."""
    return file.with_name(f"{file.name}.json")


def as_text(one: Record) -> str:
    """A record as it is written."""
    return json.dumps(asdict(one), indent=1) + "\n"


def read(file: Path) -> Record | None:
    """The record of a backup; None where there is none. Raises: CannotKeep."""
    path = beside(file)
    if not path.exists():
        return None
    try:
        given = json.loads(path.read_text())
        inside = given.pop("contents")
        made = Record(**given, contents=Contents(**{**inside, "schema": tuple(inside["schema"])}))
        if not all(isinstance(value, int) for figures in made.contents.totals.values() for value in figures.values()):
            raise TypeError
        return made
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CannotKeep(f"the record {path} is not one that backup wrote") from None


def refuse_altered(file: Path, said: Record) -> None:
    """Raises: Damaged where a file is not what was written."""
    size = file.stat().st_size
    if size != said.bytes:
        raise Damaged(f"{file} has {size} bytes, and {said.bytes} were written: it is not whole. Take another backup.")
    if _digest(file) != said.blake2b:
        raise Damaged(f"{file} is not what was written: its digest differs. Take another backup.")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _known() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or ()}


def _span(side: Side) -> Iterable[str]:
    both = 'min("start")', 'max("end")'
    made = (
        (f"substr({one}, 1, 16)" for one in both)
        if side.vendor == "sqlite"
        else (f"to_char({one} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')" for one in both)
    )
    row = side.ask(f"SELECT {', '.join(made)} FROM {Coverage._meta.db_table}").fetchone()  # noqa: S608
    return [value or "" for value in row]
