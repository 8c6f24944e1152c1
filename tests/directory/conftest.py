"""The sandbox organization in the database, read at moments of the test's choosing."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from costwatch import clock
from costwatch.directory import mirror
from costwatch.directory.models import DirectoryChange, Organization
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.sandbox.server import SandboxServer

Read = Callable[..., int]
At = Callable[[str], datetime]


@pytest.fixture
def company(organization: Organization, sandbox: SandboxServer) -> Organization:
    """The sandbox's organization."""
    organization.external_id = sandbox.organization_id
    organization.save()
    return organization


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> At:
    """Moves business time, and the sandbox's with it."""

    def move(text: str) -> datetime:
        monkeypatch.setenv(clock.VARIABLE, text)
        return clock.now()

    return move


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AdminClient]:
    """A client that does not wait."""
    secret = Secret(sandbox.admin_key)
    with AdminClient(sandbox.url, lambda: secret, sleep=lambda _: None, tries=2, chance=random.Random(1)) as made:
        yield made


@pytest.fixture
def read(company: Organization, client: AdminClient) -> Read:
    """Mirrors some kinds by the names of their functions, as ingestion does; the number of objects read."""

    def once(*kinds: str) -> int:
        return sum(getattr(mirror, f"mirror_{kind}")(company, client, clock.now()) for kind in kinds)

    return once


def told(*kinds: str) -> list[tuple[str, str, str, Any]]:
    """The changes of some kinds in the order they were told: kind, what, name, fields."""
    rows = DirectoryChange.objects.order_by("pk")
    rows = rows.filter(kind__in=kinds) if kinds else rows
    return [(row.kind, row.what, row.name, row.fields) for row in rows]
