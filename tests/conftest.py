"""What tests share: frozen time, a sandbox organization, a connection to it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from costwatch.upstream.credential import VARIABLE
from costwatch.upstream.sandbox.server import SandboxServer

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Strict runs may not leave anything out: a skip is a failure there."""
    if os.environ.get("COSTWATCH_TEST_STRICT") != "1":
        return
    for item in items:
        for mark in item.iter_markers():
            if mark.name in ("skip", "skipif"):
                raise pytest.UsageError(f"{item.nodeid} is marked {mark.name}, which a strict run refuses")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Business time stands at 2026-11-20 14:05 UTC."""
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:05:00Z")
    return NOW


@pytest.fixture
def sandbox(now: datetime) -> Iterator[SandboxServer]:
    """The sandbox organization of that time."""
    with SandboxServer(anchor=now) as server:
        yield server


@pytest.fixture
def upstream(sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """The sandbox, configured as the upstream of this installation, read from 6 November on."""
    monkeypatch.setenv(VARIABLE, sandbox.admin_key)
    settings.UPSTREAM_URL = sandbox.url
    settings.BACKFILL_SINCE = "2026-11-06"
    return sandbox
