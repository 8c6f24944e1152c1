"""The commands of docker-compose.yml, run as processes in its own environment, on servers of ours (OPS-05, SEC-08)."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.servers import Postgres, Redis, free_port, wait_for

from .conftest import Watched
from .installation import ROOT, Installation, Sandbox

pytestmark = pytest.mark.timeout(240)
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PARTS = ("migrate", "web", "worker", "chores", "beat")


class Composed:
    """The services, each an installation with the environment the file gives it."""

    def __init__(self, folder: Path, broker: Redis, vendor: Sandbox, database: str) -> None:
        self.port, secrets = free_port(), folder / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "admin_keys").mkdir(mode=0o700)
        for name, value in (
            ("secret_key", "a8Kq2vN5xZ1mW7rT4yB9cD3fG6hJ0lPsUeIoQwXtRzYvMnLkHjGf"),
            ("database_password", "unused-where-the-socket-is-trusted"),
            ("broker_password", broker.password),
            ("admin_key", vendor.key),
            ("metrics_token", "a-token-of-more-than-sixteen-characters"),
        ):
            (secrets / name).write_text(value + "\n")
            (secrets / name).chmod(0o600)
        here = {
            "DATABASE_URL": database,
            "COSTWATCH_BROKER_URL": f"redis://127.0.0.1:{broker.port}/0",
            "COSTWATCH_PUBLIC_URL": "https://costwatch.example.com",
            "COSTWATCH_DATA_DIR": str(folder / "data"),
        }
        self.parts: dict[str, Installation] = {}
        for name in PARTS:
            given = {
                key: here.get(key) or value.replace("/run/secrets", str(secrets))
                for key, value in SERVICES[name]["environment"].items()
            }
            self.parts[name] = Installation(folder, **given, PORT=str(self.port))
            for foreign in ("COSTWATCH_NOW", "COSTWATCH_BACKFILL_SINCE"):
                del self.parts[name].environment[foreign]
        self.parts["worker"].environment |= {
            "COSTWATCH_UPSTREAM_URL": vendor.url,
            "COSTWATCH_BACKFILL_SINCE": "2026-11-18",
        }

    def command(self, name: str) -> list[str]:
        """The command of a service, as this machine finds its programs."""
        program, *arguments = SERVICES[name]["command"]
        from .installation import CELERY, MANAGE

        return [MANAGE[0] if program == "python" else CELERY[0], *arguments]

    def is_healthy(self, name: str) -> bool:
        """Whether the health check of a service succeeds."""
        arguments = SERVICES[name]["healthcheck"]["test"][3:]
        return not self.parts[name].run(*arguments, status=None).startswith("CommandError")

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Ask the pages, as a proxy would."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        asked.request("GET", path, headers={"host": "costwatch.example.com", **headers})
        return asked.getresponse()


@pytest.fixture
def composed(tmp_path: Path, broker: Redis, cluster: Postgres, vendor: Sandbox) -> Iterator[tuple[Composed, Watched]]:
    """The compose file's processes, not started, on a new database."""
    import psycopg

    with psycopg.connect(f"host={cluster.socket} user=costwatch dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE composed")
    made = Composed(tmp_path, broker, vendor, cluster.url.replace("/postgres", "/composed"))
    yield made, Watched(cluster, "composed")
    for part in made.parts.values():
        part.end()


def test_sec_08_the_parts_of_the_compose_file_work_together_and_only_the_worker_knows_the_key(
    composed: tuple[Composed, Watched], vendor: Sandbox, broker: Redis
) -> None:
    together, watched = composed
    early = together.parts["web"].start(*together.command("web"))
    assert early.wait(30) != 0
    assert "run manage.py migrate" in together.parts["web"].log.read_text()

    assert together.parts["migrate"].start(*together.command("migrate")).wait(60) == 0
    assert not together.is_healthy("web")
    assert not together.is_healthy("beat")
    running = ("web", "worker", "chores", "beat")
    started = {name: together.parts[name].start(*together.command(name)) for name in running}
    for name in started:
        wait_for(lambda name=name: together.is_healthy(name), 60, f"{name} is not healthy")  # type: ignore[misc]
    wait_for(lambda: watched.days > 0 and watched.hours > 0, 60, "nothing was read")
    assert watched.one("SELECT count(*) FROM ingest_installation WHERE kind = 'real'") == 1

    page = together.get("/sign-in/", **{"x-forwarded-proto": "https"})
    assert page.status == 200
    assert "__Host-csrftoken" in str(page.headers)
    assert "invented numbers" not in page.read().decode()
    assert together.get("/sign-in/").status == 301
    said = together.parts["web"].log.read_text()
    assert len(re.findall(r"https://costwatch\.example\.com/sign-in/link/\S+", said)) == 1

    for name in ("web", "chores", "beat"):
        environ = Path(f"/proc/{started[name].pid}/environ").read_text()
        assert "ADMIN_KEY" not in environ
        assert vendor.key not in environ
    assert "ADMIN_KEY_FILE" in Path(f"/proc/{started['worker'].pid}/environ").read_text()
    assert "there is no Admin key here" in together.parts["web"].run("doctor", status=None)
    assert "organization: 'Example Inc'" in together.parts["worker"].run("doctor", status=None)
    stopping = {name: process for name, process in started.items() if name != "worker"}
    for process in stopping.values():
        process.terminate()
    for name, process in stopping.items():
        wait_for(lambda process=process: process.poll() is not None, 30, f"{name} did not stop")  # type: ignore[misc]
