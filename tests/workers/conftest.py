"""What the tests of real processes share: one Redis, one PostgreSQL and one vendor for all of them."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import Postgres, Redis, free_port, redis

from .installation import Installation, Sandbox


@pytest.fixture(scope="session")
def broker(folder: Path) -> Iterator[Redis]:
    """A Redis."""
    with redis(folder) as server:
        yield server


@pytest.fixture(scope="session")
def vendor() -> Iterator[Sandbox]:
    """The Admin API's stand-in; each answer takes a quarter of a second."""
    sandbox = Sandbox(free_port(), latency=250)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def ailing(vendor: Sandbox) -> Iterator[Callable[..., None]]:
    """Gives the vendor a fault, as the sandbox takes it; it is well again afterwards."""
    yield lambda **fault: vendor.order("faults", {"add": [{"times": None, **fault}]})
    vendor.order("faults", {"clear": True})


@pytest.fixture
def install(broker: Redis, cluster: Postgres, vendor: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations, each with an empty database of its own, migrated."""
    made: list[Installation] = []

    def once(name: str) -> Installation:
        with psycopg.connect(f"host={cluster.socket} user=costwatch dbname=postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[call-overload]
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        broker.ask("FLUSHALL")
        (tmp_path / name).mkdir()
        installation = Installation(
            tmp_path / name,
            DATABASE_URL=cluster.url.replace("/postgres", f"/{name}"),
            COSTWATCH_BROKER_URL=f"redis://127.0.0.1:{broker.port}/0",
            COSTWATCH_BROKER_PASSWORD=broker.password,
            COSTWATCH_ADMIN_KEY=vendor.key,
            COSTWATCH_UPSTREAM_URL=vendor.url,
        )
        installation.run("migrate", "-v0")
        made.append(installation)
        return installation

    yield once
    for installation in made:
        installation.end()


class Watched:
    """Questions to an installation's database while its processes work."""

    def __init__(self, cluster: Postgres, name: str) -> None:
        self._where = f"host={cluster.socket} user=costwatch dbname={name}"

    def one(self, question: str) -> int:
        """The number a question answers; -1 while the database is away."""
        try:
            with psycopg.connect(self._where, connect_timeout=2) as connection:
                row = connection.execute(question).fetchone()  # type: ignore[call-overload]
        except psycopg.OperationalError:
            return -1
        return int(row[0]) if row else 0

    def order(self, statement: str) -> None:
        """Carry a statement out."""
        with psycopg.connect(self._where, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    @property
    def hours(self) -> int:
        """How many hours of usage are read."""
        return self.one("SELECT count(*) FROM ingest_coverage WHERE source = 'usage'")

    @property
    def days(self) -> int:
        """How many days of cost are read."""
        return self.one("SELECT count(*) FROM ingest_coverage WHERE source = 'cost'")


@pytest.fixture
def watch(cluster: Postgres) -> Callable[[str], Watched]:
    """Watches the database of an installation."""
    return lambda name: Watched(cluster, name)


@pytest.fixture
def monitor(broker: Redis, tmp_path: Path) -> Iterator[Path]:
    """Everything that is said to the broker, in a file."""
    path = tmp_path / "monitor.log"
    with path.open("wb") as file:
        command = [*broker.client, "monitor"]
        process = subprocess.Popen(command, env=broker.login, stdout=file, stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        yield path
        process.kill()
        process.wait()
