"""What the tests of a file have in common: read once, there for each of them, rolled back after the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from costwatch import clock
from costwatch.ingest.connect import client, connect
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.upstream.credential import VARIABLE
from costwatch.upstream.sandbox.server import SandboxServer

Read = Callable[[], None]


@contextmanager
def kept(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written inside stays to the end; what a test writes later is rolled back behind that test, as ever."""
    whole = transaction.atomic()
    # As in Django's own test cases: blocks that must be outermost in production are not here.
    whole._from_testcase = True
    with blocker.unblock(), whole:
        yield
        transaction.set_rollback(True)


@contextmanager
def vendor(since: str, *sources: str) -> Iterator[tuple[SandboxServer, Read]]:
    """The sandbox of 2026-11-20 14:05 UTC. Shape: the server, and what reads these sources of it."""

    def read() -> None:
        with client() as opened:
            connection = connect(opened)
            for source in sources:
                sync(connection, source, Order())

    with (
        clock.frozen("2026-11-20T14:05:00Z") as now,
        SandboxServer(anchor=now) as sandbox,
        override_settings(UPSTREAM_URL=sandbox.url, BACKFILL_SINCE=since),
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv(VARIABLE, sandbox.admin_key)
        yield sandbox, read
