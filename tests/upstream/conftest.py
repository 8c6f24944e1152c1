"""A client against the sandbox, with its waits recorded instead of slept."""

import random
from collections.abc import Callable, Iterator

import pytest

from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.sandbox.server import SandboxServer

Make = Callable[..., AdminClient]


@pytest.fixture
def waits() -> list[float]:
    """The seconds a client would have slept."""
    return []


@pytest.fixture
def make(sandbox: SandboxServer, waits: list[float]) -> Iterator[Make]:
    """Makes clients that are closed afterwards."""
    opened: list[AdminClient] = []

    def client(key: str = "", **options: object) -> AdminClient:
        secret = Secret(key or sandbox.admin_key)
        made = AdminClient(sandbox.url, lambda: secret, sleep=waits.append, chance=random.Random(1), **options)  # type: ignore[arg-type]
        opened.append(made)
        return made

    yield client
    for one in opened:
        one.__exit__()
