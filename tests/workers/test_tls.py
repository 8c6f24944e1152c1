"""Workers that reach PostgreSQL over TLS: each child a connection of its own (TSK-10)."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import THROWN_AWAY, Postgres, Redis, free_port, own, postgres, wait_for

from .installation import Installation
from .messages import message, send

pytestmark = pytest.mark.timeout(240)
CHILDREN, QUERIES = 4, 200


@pytest.fixture
def encrypted(tmp_path: Path, folder: Path) -> Iterator[tuple[Postgres, int]]:
    """A PostgreSQL that speaks TLS with a certificate of its own making, and its port."""
    place = folder / "encrypted"
    place.mkdir()
    key, certificate, port = place / "server.key", place / "server.crt", free_port()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    place.chmod(0o755)
    own(key, certificate)
    tls = {"ssl": "on", "ssl_key_file": str(key), "ssl_cert_file": str(certificate)}
    with postgres(place, THROWN_AWAY | tls | {"listen_addresses": "127.0.0.1", "port": str(port)}) as server:
        assert server
        yield server, port


def test_tsk_10_four_children_ask_over_tls_and_no_answer_is_mixed_up(
    encrypted: tuple[Postgres, int], install: Callable[[str], Installation], broker: Redis
) -> None:
    server, port = encrypted
    safe = install("safe")
    safe.environment["DATABASE_URL"] = f"postgres://costwatch@127.0.0.1:{port}/postgres?sslmode=require"
    safe.environment |= {"COSTWATCH_BACKFILL_SINCE": "2026-11-18", "COSTWATCH_LOG_LEVEL": "INFO"}
    safe.run("migrate", "-v0")
    where = f"host={server.socket} port={port} user=costwatch dbname=postgres"

    def one(question: str) -> int:
        with psycopg.connect(where) as connection:
            row = connection.execute(question).fetchone()  # type: ignore[call-overload]
            return int(row[0])

    worker = safe.worker(children=CHILDREN)
    safe.beat()
    wait_for(lambda: one("SELECT count(*) FROM ingest_coverage WHERE source = 'usage'") == 63, 60, "nothing was read")
    asked = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = 'postgres'"
    before = one(asked)
    # Each ring asks more than ten questions; whichever child is free takes it.
    for number in range(CHILDREN * QUERIES // 10):
        send(broker, message("ring", number=number))
    encrypted_at_once = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl"
    seen = set()

    def is_done() -> bool:
        seen.add(one(encrypted_at_once))
        return broker.ask("LLEN", "costwatch") == "0" and one(asked) - before >= CHILDREN * QUERIES

    wait_for(is_done, 90, "messages are left, or fewer questions than asked for")
    assert max(seen) >= CHILDREN
    said = safe.log.read_text()
    for wrong in ("Traceback", "OperationalError", "SSL error", "lost synchronization", "was interrupted"):
        assert wrong not in said
    assert worker.poll() is None
