"""Running the real code path against the sandbox."""

from collections.abc import Callable

import pytest

from costwatch.ingest.connect import client, connect
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.sources import NEEDED
from costwatch.ingest.sync import sync
from costwatch.upstream.sandbox.server import SandboxServer

Sync = Callable[..., dict[str, Run | None]]


@pytest.fixture
def run(upstream: SandboxServer, db: None) -> Sync:
    """Do what is due of the sources that amounts are made of (or of others), as `manage.py sync` does."""

    def once(*sources: str, order: Order | None = None) -> dict[str, Run | None]:
        with client() as opened:
            connection = connect(opened)
            return {name: sync(connection, name, order or Order()) for name in sources or NEEDED}

    return once
