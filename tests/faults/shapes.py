"""The two shapes that are killed: one process on SQLite, and parts of their own on PostgreSQL and Redis."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from pathlib import Path

import psycopg

from tests.servers import Postgres, Redis, free_port
from tests.workers.installation import MANAGE, ROOT, Installation, kill

COVERED = "SELECT source, count(*) FROM ingest_coverage GROUP BY source"
AT_WORK = "SELECT (SELECT count(*) FROM ingest_lease) + (SELECT count(*) FROM ledger_stalemonth)"
Rows = list[tuple[object, ...]]


class Shape(ABC):
    """An installation whose processes are killed and started again."""

    victims: tuple[str, ...]

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        folder.mkdir(parents=True)
        self.installed = Installation(folder, **environment)
        self.installed.environment["COSTWATCH_LOG_LEVEL"] = "ERROR"

    @abstractmethod
    def start(self, failpoint: str = "") -> None:
        """Start what does not run; `failpoint` makes it end itself at a named place."""

    @abstractmethod
    def kill(self, victim: str, chance: random.Random) -> None:
        """Kill a part as a power cut would."""

    @abstractmethod
    def ask(self, question: str) -> Rows:
        """Rows of the database; none while there is no such table, or no database."""

    def end(self) -> None:
        """Kill everything."""
        self.installed.end()

    def covered(self) -> dict[str, int]:
        """How many buckets of each source are read."""
        return {str(source): int(str(count)) for source, count in self.ask(COVERED)}

    @property
    def is_at_work(self) -> bool:
        """Whether a source is being read, or months do not follow their days yet."""
        return self.ask(AT_WORK) != [(0,)]

    def sync(self) -> None:
        """Read everything in one go, without a worker."""
        self.installed.run("sync", "-v0")

    def tables(self) -> dict[str, dict[str, str]]:
        """What the ledger holds."""
        command = [sys.executable, "-m", "tests.faults.ledger"]
        environment = self.installed.environment | {"DJANGO_SETTINGS_MODULE": "costwatch.settings"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        made: dict[str, dict[str, str]] = json.loads(done.stdout)
        return made


class Up(Shape):
    """`manage.py up` on SQLite."""

    victims = ("up",)

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(folder, environment)
        self._file = folder / "costwatch.sqlite3"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoint: str = "") -> None:
        """Start it; it ends itself at a failpoint."""
        if self._process and self._process.poll() is None:
            return
        self.installed.environment["COSTWATCH_FAILPOINT"] = failpoint
        self._process = self.installed.start(*MANAGE, "up", "--port", str(free_port()))

    def kill(self, victim: str, chance: random.Random) -> None:
        """Kill the process."""
        if self._process:
            kill(self._process)

    def ask(self, question: str) -> Rows:
        """Rows of the file."""
        where = f"file:{self._file}?mode=ro"
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(where, uri=True, timeout=5)) as connection:
            return list(connection.execute(question))
        return []


class Workers(Shape):
    """Two workers and a scheduler on a Redis and a PostgreSQL, each of which may go at any moment."""

    victims = ("workers", "reader", "beat", "child", "broker", "messages", "database")

    def __init__(self, folder: Path, environment: dict[str, str], broker: Redis, cluster: Postgres) -> None:
        name = "f" + "".join(letter for letter in folder.name if letter.isalnum()).lower()
        self._where = f"host={cluster.socket} user=costwatch dbname="
        with psycopg.connect(self._where + "postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        self._where += name
        super().__init__(
            folder,
            environment
            | {
                "DATABASE_URL": cluster.url.replace("/postgres", f"/{name}"),
                "COSTWATCH_BROKER_URL": f"redis://127.0.0.1:{broker.port}/0",
                "COSTWATCH_BROKER_PASSWORD": broker.password,
            },
        )
        self.installed.run("migrate", "-v0")
        self._broker, self._cluster = broker, cluster
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, failpoint: str = "") -> None:
        """Start what does not run."""
        make = {
            "reader": lambda: self.installed.worker("reader", queues="fetch"),
            "worker": lambda: self.installed.worker("worker", children=1, queues="costwatch"),
            "beat": self.installed.beat,
        }
        for name, begin in make.items():
            if name not in self._parts or self._parts[name].poll() is not None:
                self._parts[name] = begin()

    def kill(self, victim: str, chance: random.Random) -> None:
        """Kill a part, or the server it needs; a server is back at once, and has forgotten what it may forget."""
        if victim == "broker":
            self._broker.stop()
            self._broker.start()
        elif victim == "messages":
            self._broker.ask("FLUSHALL")
        elif victim == "database":
            self._cluster.stop()
            self._cluster.start()
        elif victim == "child":
            children = _children(self._parts["reader"].pid)
            if children:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(children), signal.SIGKILL)
        else:
            for name in ("reader", "worker") if victim == "workers" else (victim,):
                kill(self._parts[name])

    def ask(self, question: str) -> Rows:
        """Rows of the database."""
        with suppress(psycopg.Error), psycopg.connect(self._where, connect_timeout=2) as connection:
            return connection.execute(question).fetchall()  # type: ignore[call-overload,no-any-return]
        return []


def _children(pid: int) -> list[int]:
    """The processes a worker has made."""
    with suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
