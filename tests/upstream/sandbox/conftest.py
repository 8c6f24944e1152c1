"""A sandbox server, and a plain client that reads it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from costwatch.upstream.sandbox import SandboxServer

ANCHOR = datetime(2026, 11, 19, 14, 5, tzinfo=UTC)
Pairs = Sequence[tuple[str, str]]


class Reader:
    """Asks a sandbox server as a client would."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        headers = {"x-api-key": server.admin_key, "anthropic-version": "2023-06-01"}
        self.http = httpx.Client(base_url=server.url + "/v1/organizations/", headers=headers, timeout=20)

    def get(self, path: str, params: Pairs = (), **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(path, params=list(params), headers=named)

    def message(self, path: str, params: Pairs = (), **headers: str) -> tuple[int, str]:
        """Status and sentence of an error answer."""
        response = self.get(path, params, **headers)
        return response.status_code, response.json()["error"]["message"]

    def buckets(self, path: str, params: Pairs, **headers: str) -> list[dict[str, Any]]:
        """All buckets over all pages."""
        found: list[dict[str, Any]] = []
        token: list[tuple[str, str]] = []
        while True:
            response = self.get(path, [*params, *token], **headers)
            assert response.status_code == 200, response.text
            page = response.json()
            found += page["data"]
            if not page["has_more"]:
                assert page["next_page"] is None
                return found
            token = [("page", page["next_page"])]


@pytest.fixture
def make_server() -> Iterator[Callable[..., SandboxServer]]:
    """Starts servers that stop with the test; frozen at the anchor unless told otherwise."""
    started: list[SandboxServer] = []

    def make(**options: Any) -> SandboxServer:
        server = SandboxServer(options.pop("anchor", ANCHOR), **{"now": lambda: ANCHOR, **options})
        started.append(server)
        return server.start()

    yield make
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxServer]:
    """One server for tests that only read."""
    with SandboxServer(ANCHOR, now=lambda: ANCHOR) as server:
        yield server


@pytest.fixture(scope="module")
def reader(shared: SandboxServer) -> Iterator[Reader]:
    client = Reader(shared)
    yield client
    client.http.close()


@pytest.fixture
def read() -> Iterator[Callable[[SandboxServer], Reader]]:
    """A client for a server of the test's own."""
    clients: list[Reader] = []

    def of(server: SandboxServer) -> Reader:
        clients.append(Reader(server))
        return clients[-1]

    yield of
    for client in clients:
        client.http.close()
