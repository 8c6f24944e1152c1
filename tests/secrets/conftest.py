"""What the tests of credentials share: a vendor that keeps what it was sent, master keys, everything in a database."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from costwatch.upstream.sandbox.server import SandboxServer

CANARY = "sk-ant-admin01-CANARY-0123456789abcdef-0123456789AA"


def kek(name: str) -> str:
    """A line of a master key file; the same for the same name."""
    return f"{name}:{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"


def everything_in_the_database() -> str:
    """Every value of every table, as bytes and as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                found += [
                    bytes(one).decode("latin-1") if isinstance(one, bytes | memoryview) else str(one) for one in row
                ]
    return "\n".join(found)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file that only we may read."""

    def once(name: str, text: str, mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return path

    return once


@pytest.fixture
def in_database(
    upstream: SandboxServer, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> SandboxServer:
    """An installation that keeps its credentials in the database, with one master key, and none of them yet."""
    settings.SANDBOX, settings.CREDENTIALS = False, "database"
    monkeypatch.delenv("COSTWATCH_ADMIN_KEY")
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("kek", kek("k1"))))
    return upstream


class Vendor:
    """Answers every question with an organization, and keeps the headers it was sent."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.date = ""
        self.url = ""


@contextmanager
def a_vendor() -> Iterator[Vendor]:
    """A vendor on loopback."""
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            vendor.seen.append({name.lower(): value for name, value in self.headers.items()})
            body = json.dumps({"id": "org-1", "name": "Example Inc"}).encode()
            self.send_response_only(200)
            if vendor.date:
                self.send_header("date", vendor.date)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with a_vendor() as one:
        yield one
