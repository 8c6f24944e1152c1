"""An organization that runs hot: minutes of two days, its limits narrow."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.connect import client, connect
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.ingest.upkeep import upkeep
from costwatch.upstream.sandbox.server import SandboxServer
from tests.kept import kept, vendor

Read = Callable[..., Organization]


@pytest.fixture
def reading(upstream: SandboxServer, db: None, now: datetime, settings: Any) -> Read:
    """Reads what limits are made of, from a day on."""

    def read(
        since: str = "2026-11-18", *, room: str = "narrow", sources: tuple[str, ...] = ("minutes",)
    ) -> Organization:
        settings.BACKFILL_SINCE = since
        upstream.sandbox.offer.change(room=room)
        with client() as opened:
            connection = connect(opened)
            for source in ("directory", "limits", *sources):
                sync(connection, source, Order())
            return connection.organization

    return read


@pytest.fixture(scope="module")
def hot_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Minutes and hours of two days, and the figures of the one that is over."""
    with kept(django_db_blocker):
        with vendor("2026-11-19", "directory", "limits", "usage", "minutes") as (server, read):
            server.sandbox.offer.change(room="narrow")
            read()
            upkeep(clock.now())
        yield


@pytest.fixture
def hot(hot_days: None, db: None, now: datetime) -> Organization:
    """The organization they are of."""
    return Organization.objects.get()
