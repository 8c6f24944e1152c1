"""An organization of ten days with everything in it that people entered, in SQLite, and a PostgreSQL beside it."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from costwatch.upstream.sandbox.server import SandboxServer
from tests.servers import Postgres
from tests.workers.installation import MANAGE, ROOT, Installation

NOW, LATER = "2026-11-20T14:05:00Z", "2026-11-20T18:05:00Z"
SINCE, MINUTES_SINCE = "2026-11-10", "2026-11-18"
# Minutes are nine rows of ten, and each day of them is as the others: they are read of fewer days.
HOURS_AND_DAYS = ("directory", "limits", "cost", "usage", "analytics", "claude_code")
# What people entered, as the pages and commands enter it.
PEOPLE = """
from datetime import date
from django.contrib.auth.models import Group, User
from costwatch import clock
from costwatch.access import links
from costwatch.directory.models import Organization
from costwatch.ledger.models import ConsoleFigure
ada = User.objects.create_superuser("ada", "ada@example.com", "a long enough passphrase")
ada.groups.add(Group.objects.create(name="finance"))
ConsoleFigure.objects.create(organization=Organization.objects.get(), month=date(2026, 10, 1), console=-1,
    reported=2**63 - 1, cause="unexplained", entered_by="ada \\u00e4\\U0001f9ee", entered_at=clock.now())
links.make()
"""
# Each line is a command with its arguments; so is each answer, its status and what it said.
DESK = """
import io, json, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from django.core.management import CommandError, call_command
from django.db import connections
for line in sys.stdin:
    said, status = io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            call_command(*json.loads(line))
        except CommandError as error:
            status = 1
            print(f"CommandError: {error}")
        except SystemExit as left:
            status = int(left.code or 0)
        except Exception:
            status = 1
            traceback.print_exc()
        connections.close_all()
    print(json.dumps([status, said.getvalue()]), flush=True)
"""
Install = Callable[..., Installation]


class Desk(Installation):
    """An installation whose commands one process runs, one after another: a second of starting each is saved."""

    _process: "subprocess.Popen[str] | None" = None

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run a command of manage.py to its end. Shape: what it printed, errors among it."""
        if not self._process:
            command = [*MANAGE, "shell", "-v0", "-c", DESK]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            self._process = subprocess.Popen(command, cwd=ROOT, env=self.environment, **pipes)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        ended, said = json.loads(self._process.stdout.readline())
        assert status is None or ended == status, said
        return str(said)

    def end(self) -> None:
        """Kill what is left."""
        super().end()
        if self._process:
            self._process.communicate()


@pytest.fixture
def database(cluster: Postgres) -> str:
    """The address of an empty database."""
    return created(cluster, f"t{secrets.token_hex(6)}")


def created(cluster: Postgres, name: str, template: str = "template0") -> str:
    """Make a database. Shape: its address."""
    with psycopg.connect(f"host={cluster.socket} user=costwatch dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
    return cluster.url.removesuffix("/postgres") + f"/{name}"


def where(cluster: Postgres, database: str) -> str:
    """How psycopg reaches a database."""
    return f"host={cluster.socket} user=costwatch dbname={Path(database).name}"


@pytest.fixture(scope="session")
def read(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A data folder with everything in it: read, restated, read again, and used by people."""
    frozen = datetime.fromisoformat(NOW)
    sandbox = SandboxServer(anchor=frozen, now=lambda: frozen)
    with sandbox:
        environment = {
            "COSTWATCH_UPSTREAM_URL": sandbox.url,
            "COSTWATCH_ADMIN_KEY": sandbox.admin_key,
            "COSTWATCH_BACKFILL_SINCE": SINCE,
        }
        (folder / "read").mkdir()
        installation = Desk(folder / "read", **environment)
        installation.run("sync", "-v0", *(f"--source={name}" for name in HOURS_AND_DAYS))
        installation.run("sync", "-v0", "--source=minutes", "--since", MINUTES_SINCE)
        sandbox.restate(datetime(2026, 11, 20, 9, tzinfo=UTC), change="up")
        sandbox.restate(date(2026, 11, 18), change="down")
        frozen = datetime.fromisoformat(LATER)
        installation.run("shell", "-v0", "-c", f"import os; os.environ['COSTWATCH_NOW'] = '{LATER}'")
        installation.run("sync", "-v0", "--since", "2026-11-18", "--until", "2026-11-21")
        installation.run("shell", "-v0", "-c", PEOPLE)
        installation.end()
        yield folder / "read", environment


@pytest.fixture(scope="session")
def at_desk(read: tuple[Path, dict[str, str]]) -> Iterator[Installation]:
    """That data folder, as an installation that nobody changes."""
    folder, upstream = read
    installation = Desk(folder, **upstream, COSTWATCH_NOW=LATER)
    yield installation
    installation.end()


@pytest.fixture(scope="session")
def expected(at_desk: Installation) -> str:
    """What every installation with this data answers."""
    return answers(at_desk)


@pytest.fixture(scope="session")
def moved(at_desk: Installation, cluster: Postgres) -> str:
    """The name of a PostgreSQL database with all of it; databases are made after it."""
    at_desk.run("copy_to", created(cluster, "moved"))
    return "moved"


@pytest.fixture
def install(read: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Install]:
    """Makes installations with a data folder of their own; `filled` with all that was read, in SQLite."""
    made: list[Installation] = []

    def once(name: str = "here", *, filled: bool = True, **environment: str) -> Installation:
        source, upstream = read
        if filled:
            shutil.copytree(source, tmp_path / name)
        else:
            (tmp_path / name).mkdir()
        installation = Desk(tmp_path / name, **{**upstream, "COSTWATCH_NOW": LATER, **environment})
        made.append(installation)
        return installation

    yield once
    for installation in made:
        installation.end()


QUESTIONS = """
import sys
from django.core.management import call_command
span, was = ("--since", "2026-11-01", "--until", "2026-11-21", "--format", "json"), "2026-11-20T14:30:00Z"
for asked in (
    ("spend", "--group-by", "workspace_id,model"),
    ("spend", "--group-by", "cost_type", "--interval", "month"),
    ("spend", "--group-by", "workspace_id", "--as-of", was),
    ("usage", "--group-by", "api_key_id,speed"),
    ("usage", "--group-by", "model", "--as-of", was),
    ("usage", "--group-by", "model", "--interval", "hour"),
    ("unpriced",),
    ("coverage",),
):
    print(*asked)
    call_command("report", *asked, *span)
"""


def answers(installation: Installation) -> str:
    """What an installation answers, to the byte: as it is, by every grain, and as it was before the restatement."""
    return installation.run("shell", "-v0", "-c", QUESTIONS)
