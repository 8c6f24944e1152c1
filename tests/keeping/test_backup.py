"""A backup holds everything of one moment, and comes back whole or not at all."""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from costwatch.keeping import programs
from costwatch.keeping.failure import CannotKeep
from costwatch.keeping.record import beside, read
from tests.servers import Postgres, free_port, wait_for
from tests.workers.installation import MANAGE, ROOT, Installation, kill

from .conftest import Install, answers, created, where
from .test_copying import SEED

pytestmark = pytest.mark.timeout(240)
UNKNOWN = "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '0999_later', '2027-01-01 00:00:00')"
BEHIND = ("DROP TABLE django_session", "DELETE FROM django_migrations WHERE app = 'sessions'")


class Store:
    """The database of an installation, asked and changed from outside."""

    def __init__(self, installation: Installation, postgres: str = "") -> None:
        self._file, self._postgres = file_of(installation), postgres

    def ask(self, *statements: str) -> int:
        """Run statements in one transaction. Shape: the number the last one answers."""
        if self._postgres:
            with psycopg.connect(self._postgres) as there:
                return self._run(there, statements)
        with closing(sqlite3.connect(self._file, timeout=20)) as here, here:
            return self._run(here, statements)

    def _run(self, connection: "sqlite3.Connection | psycopg.Connection", statements: tuple[str, ...]) -> int:  # type: ignore[type-arg]
        for statement in statements:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
        row = cursor.fetchone() if cursor.description else None
        return int(row[0]) if row else 0

    def wipe(self) -> None:
        """Leave an empty database."""
        if self._postgres:
            self.ask("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
            return
        for path in self._file.parent.glob(f"{self._file.name}*"):
            path.unlink()


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, install: Install, cluster: Postgres, moved: str, tmp_path: Path
) -> tuple[Installation, Store]:
    """An installation with everything in it, on either database."""
    if request.param == "sqlite":
        installation = install()
        return installation, Store(installation)
    database = created(cluster, f"b{time.time_ns()}", moved)
    installation = install(filled=False, DATABASE_URL=database)
    return installation, Store(installation, where(cluster, database))


@pytest.fixture
def backed_up(install: Install, tmp_path: Path) -> tuple[Installation, Path]:
    """An installation on SQLite and a backup of it."""
    installation = install()
    installation.run("backup", str(tmp_path / "one.sqlite3"))
    return installation, tmp_path / "one.sqlite3"


def test_ops_01_backup_under_writes_wipe_restore_equal_totals(
    filled: tuple[Installation, Store], tmp_path: Path, expected: str
) -> None:
    installation, store = filled
    file, stop = tmp_path / "backup", threading.Event()
    installation.run("shell", "-v0", "-c", "pass")

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            moment = f"2001-01-01 00:00:00.{number:06d}"
            # Always two at once: a backup with an odd number is of no single moment.
            store.ask(*(f"INSERT INTO ingest_slot (job, start) VALUES ('{job}', '{moment}')" for job in "ab"))

    writer = threading.Thread(target=write)
    writer.start()
    said = installation.run("backup", str(file))
    stop.set()
    writer.join()
    assert said.startswith(f"{file}\n")
    assert [path.stat().st_mode & 0o777 for path in (file, file.with_name("backup.json"))] == [0o600, 0o600]
    said = installation.run("restore", "--check", str(file))
    assert "Whole" in said
    assert "DIFFERENT" not in said
    written = store.ask("SELECT count(*) FROM ingest_slot")
    assert written > 0
    store.wipe()
    assert "Restored" in installation.run("restore", str(file))
    kept = store.ask("SELECT count(*) FROM ingest_slot")
    assert kept % 2 == 0
    assert 0 <= kept <= written
    assert answers(installation) == expected


def test_restoring_over_data_takes_replace_and_keeps_what_was_there(filled: tuple[Installation, Store]) -> None:
    installation, store = filled
    first = Path(installation.run("backup").splitlines()[0])
    store.ask("UPDATE ledger_fact SET output_tokens = output_tokens + 1")
    changed = store.ask("SELECT sum(output_tokens) FROM ledger_fact")
    assert "With --replace" in installation.run("restore", str(first), status=None)
    assert store.ask("SELECT sum(output_tokens) FROM ledger_fact") == changed
    said = installation.run("restore", "--replace", str(first))
    assert store.ask("SELECT sum(output_tokens) FROM ledger_fact") < changed
    (kept,) = (Path(line.split()[-1]) for line in said.splitlines() if "was there before" in line)
    assert kept.name.startswith("costwatch-before-restore-")
    installation.run("restore", "--replace", str(kept))
    assert store.ask("SELECT sum(output_tokens) FROM ledger_fact") == changed


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(filled: tuple[Installation, Store]) -> None:
    installation, store = filled
    file = installation.run("backup").splitlines()[0]
    speaking = "SELECT count(*) FROM ledger_fact WHERE output_tokens > 0"
    chance, old = random.Random(SEED), store.ask(speaking)
    store.ask("UPDATE ledger_fact SET output_tokens = 0")
    print(f"seed {SEED}")
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, *MANAGE[1:], "restore", "--replace", file],
            cwd=ROOT,
            env=installation.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        lock = Path(installation.environment["COSTWATCH_DATA_DIR"]) / "up.lock"
        wait_for(lambda process=process, lock=lock: holds(lock, process.pid), 30, "restore took no lock")  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.8))
        kill(process)
        assert store.ask(speaking) in (0, old), f"seed {SEED}"
    installation.run("restore", "--replace", file)
    assert store.ask(speaking) == old > 0


def holds(lock: Path, pid: int) -> bool:
    return lock.exists() and f"process {pid}," in lock.read_text()


def test_a_backup_that_is_not_whole_is_told_and_not_put_back(backed_up: tuple[Installation, Path]) -> None:
    installation, file = backed_up
    alone = file.with_name("alone.sqlite3")
    shutil.copy(file, alone)
    says(installation, alone, "its record is not beside it", check_only=True)
    with alone.open("r+b") as opened:
        opened.truncate(file.stat().st_size * 2 // 3)
    says(installation, alone, "is damaged")
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(bytes(64))
    says(installation, file, "its digest differs")
    with file.open("r+b") as opened:
        opened.truncate(5000)
    says(installation, file, "has 5000 bytes")
    file.write_text("These are notes.")
    file.with_name("one.sqlite3.json").unlink()
    says(installation, file, "is no backup")
    says(installation, file.with_name("missing"), "No such file")


def test_a_backup_of_another_schema_is_told(backed_up: tuple[Installation, Path]) -> None:
    installation, file = backed_up
    file.with_name("one.sqlite3.json").unlink()
    with closing(sqlite3.connect(file)) as altered, altered:
        altered.execute(UNKNOWN)
    says(installation, file, "newer than this version of costwatch (ledger.0999_later)")
    with closing(sqlite3.connect(file)) as altered, altered:
        altered.execute("DELETE FROM django_migrations WHERE name = '0999_later'")
        for statement in BEHIND:
            altered.execute(statement)
    says(installation, file, "its schema is older: 1 migrations are missing", check_only=True)
    assert "run migrate after restoring it" in installation.run("restore", "--replace", str(file)).lower()
    assert installation.run("report", "spend", "--format", "json")


def test_figures_that_differ_from_the_record_are_told(backed_up: tuple[Installation, Path]) -> None:
    installation, file = backed_up
    path = file.with_name("one.sqlite3.json")
    record = json.loads(path.read_text())
    record["contents"]["totals"]["ledger_reportedline"]["amount"] += 1
    path.write_text(json.dumps(record))
    said = installation.run("restore", "--check", str(file), status=1)
    (line,) = [line for line in said.splitlines() if "DIFFERENT" in line]
    assert line.split()[:2] == ["ledger_reportedline", "amount"]
    says(installation, file, "not what its record says")


@pytest.mark.parametrize("record", ["null", '{"contents": {"schema": []}}', "[]"])
def test_a_record_that_backup_did_not_write_is_told(record: str, tmp_path: Path) -> None:
    beside(tmp_path / "one.sqlite3").write_text(record)
    with pytest.raises(CannotKeep, match="is not one that backup wrote"):
        read(tmp_path / "one.sqlite3")


@pytest.mark.parametrize("totals", [[], {"ledger_fact": 1}, {"ledger_fact": {"rows": "3"}}, None])
def test_a_record_whose_figures_are_none_is_told(totals: object, tmp_path: Path) -> None:
    contents = {"kind": "sandbox", "schema": [], "since": "", "until": "", "totals": totals}
    record = {"made_at": "", "costwatch": "1", "vendor": "sqlite", "bytes": 1, "blake2b": "", "contents": contents}
    beside(tmp_path / "one.sqlite3").write_text(json.dumps(record))
    with pytest.raises(CannotKeep, match="is not one that backup wrote"):
        read(tmp_path / "one.sqlite3")


def test_a_truncated_dump_is_told(install: Install, cluster: Postgres, moved: str, tmp_path: Path) -> None:
    installation = install(filled=False, DATABASE_URL=created(cluster, "truncated", moved))
    file = tmp_path / "one.pgdump"
    installation.run("backup", str(file))
    file.with_name("one.pgdump.json").unlink()
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size * 2 // 3)
    said = installation.run("restore", "--check", str(file), status=None)
    assert "cannot be re" in said
    assert "Traceback" not in said
    with psycopg.connect(where(cluster, "truncated")) as there:
        before = there.execute("SELECT count(*) FROM ledger_fact").fetchone()
    assert "cannot be re" in installation.run("restore", "--replace", str(file), status=None)
    with psycopg.connect(where(cluster, "truncated")) as there:
        assert there.execute("SELECT count(*) FROM ledger_fact").fetchone() == before
        left = there.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'costwatch_check%'").fetchone()
    assert left == (0,)


def test_a_restore_waits_for_nobody_and_mixes_no_kinds(
    backed_up: tuple[Installation, Path], install: Install, database: str
) -> None:
    installation, file = backed_up
    serving, lock = installation.start(*MANAGE, "up", "--port", str(free_port())), file_of(installation, "up.lock")
    wait_for(lambda: lock.exists() and "http" in lock.read_text(), 30, "up did not take its lock")
    assert "Stop it first" in installation.run("restore", "--replace", str(file), status=None)
    kill(serving)
    sandbox = install("sandbox", filled=False, COSTWATCH_SANDBOX="on")
    assert "this installation is for the sandbox" in sandbox.run("restore", str(file), status=None)
    elsewhere = install("elsewhere", filled=False, DATABASE_URL=database)
    assert "is of SQLite, and the configured database is PostgreSQL" in elsewhere.run("restore", str(file), status=None)


def test_a_damaged_database_is_set_aside_and_replaced(backed_up: tuple[Installation, Path]) -> None:
    installation, file = backed_up
    database = file_of(installation)
    with database.open("r+b") as opened:
        opened.write(bytes(4096))
    broken = database.read_bytes()
    assert "is damaged" in installation.run("backup", status=None)
    assert "With --replace" in installation.run("restore", str(file), status=None)
    said = installation.run("restore", "--replace", str(file))
    (aside,) = database.parent.glob("costwatch.sqlite3.damaged-*")
    assert f"What was there before is in {aside}\nRestored" in said
    assert aside.read_bytes() == broken
    assert "is the database itself" in installation.run("restore", "--replace", str(database), status=None)
    assert installation.run("report", "spend", "--format", "json")


def test_a_full_disk_loses_nothing(backed_up: tuple[Installation, Path]) -> None:
    """The file may grow to one megabyte and no further, as on a disk that is full."""
    installation, file = backed_up
    store = Store(installation)
    before = store.ask("SELECT sum(output_tokens + run) FROM ledger_fact")
    store.ask("INSERT INTO ingest_slot (job, start) VALUES ('later', '2026-11-20 18:00:00')")
    for arguments in (["backup"], ["restore", "--replace", str(file)]):
        command = ["sh", "-c", 'ulimit -f 1024; exec "$0" "$@"', *MANAGE, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=installation.environment, capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("CommandError: "), done.stderr
        assert "Traceback" not in done.stderr
    assert list(file_of(installation, "backups").iterdir()) == []
    assert store.ask("SELECT sum(output_tokens + run) FROM ledger_fact") == before
    assert store.ask("SELECT count(*) FROM ingest_slot WHERE job = 'later'") == 1
    assert store.ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == 0


def test_a_backup_that_cannot_be_written_is_a_sentence_and_never_replaces_one(
    backed_up: tuple[Installation, Path],
) -> None:
    installation, file = backed_up
    assert "exists already" in installation.run("backup", str(file), status=None)
    assert "cannot be written to /nowhere" in installation.run("backup", "/nowhere/one.sqlite3", status=None)
    assert "cannot be written to /proc" in installation.run("backup", "/proc/one.sqlite3", status=None)


def test_the_newest_of_the_automatic_backups_are_kept(install: Install) -> None:
    installation = install(COSTWATCH_BACKUPS_KEPT="2")
    folder = file_of(installation, "backups")
    installation.run("backup", str(file_of(installation, "mine.sqlite3")))
    made = [installation.run("backup").splitlines()[0] for _ in range(3)]
    assert sorted(str(path) for path in folder.glob("*.sqlite3")) == made[1:]
    assert len(list(folder.iterdir())) == 4
    assert file_of(installation, "mine.sqlite3").exists()


def test_a_migration_makes_a_backup_first(filled: tuple[Installation, Store]) -> None:
    installation, store = filled
    folder = file_of(installation, "backups")
    installation.run("migrate", "-v0")
    assert not folder.exists()
    store.ask(*BEHIND)
    assert "Backed up to" in installation.run("migrate")
    (kept,) = (path for path in folder.iterdir() if path.suffix != ".json")
    assert kept.name.startswith("costwatch-before-migrate-")
    assert store.ask("SELECT count(*) FROM django_migrations WHERE app = 'sessions'") == 1
    store.ask(*BEHIND)
    # The first start of a new version on a local machine migrates by itself, in the same way.
    installation.run("report", "spend", "--format", "json")
    assert len([path for path in folder.iterdir() if path.suffix != ".json"]) == 2


def test_without_a_backup_nothing_is_migrated_unless_asked(install: Install) -> None:
    installation = install()
    store = Store(installation)
    store.ask(*BEHIND)
    file_of(installation, "backups").write_text("in the way")
    said = installation.run("migrate", status=None)
    assert "so nothing was migrated" in said
    assert "--no-backup" in said
    assert store.ask("SELECT count(*) FROM django_migrations WHERE app = 'sessions'") == 0
    installation.run("migrate", "--no-backup", "-v0")
    assert store.ask("SELECT count(*) FROM django_migrations WHERE app = 'sessions'") == 1


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Programs that say they are pg_dump of versions 15 and 17."""
    for major in (15, 17):
        path = tmp_path / f"{major}/bin/pg_dump"
        path.parent.mkdir(parents=True)
        path.write_text(f'#!/bin/sh\necho "pg_dump (PostgreSQL) {major}.4 (Debian)"\n')
        path.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def test_the_dump_program_is_of_the_servers_version_or_newer_or_named_as_missing(installed: Path) -> None:
    assert programs.find("pg_dump", 15, installed).endswith("/15/bin/pg_dump")
    assert programs.find("pg_dump", 16, installed).endswith("/17/bin/pg_dump")
    with pytest.raises(CannotKeep, match=r"pg_dump is version 17, and the server is version 18.+client of version 18"):
        programs.find("pg_dump", 18, installed)
    with pytest.raises(CannotKeep, match=r"pg_dump is not installed here.+postgresql-client-17"):
        programs.find("pg_dump", 17, installed / "nothing")


def file_of(installation: Installation, name: str = "costwatch.sqlite3") -> Path:
    """A file in an installation's data folder."""
    return Path(installation.environment["COSTWATCH_DATA_DIR"]) / name


def says(installation: Installation, file: Path, sentence: str, *, check_only: bool = False) -> None:
    """A check of a backup, and putting it back, end with a sentence."""
    for option in ("--check",) if check_only else ("--check", "--replace"):
        said = installation.run("restore", option, str(file), status=None)
        assert sentence.lower() in said.lower(), said
        assert "Traceback" not in said
        assert "Restored" not in said
