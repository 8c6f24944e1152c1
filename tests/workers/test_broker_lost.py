"""A broker that goes away behind the back of a worker that is busy, and waits for no message."""

import time
from collections.abc import Callable

import pytest

from tests.servers import Redis, wait_for

from .conftest import Watched
from .installation import Installation
from .messages import message, send

pytestmark = pytest.mark.timeout(240)
READ_ONE = 'from costwatch.ingest.tasks import run_source; run_source.delay(1, "claude_code")'


def test_tsk_07_a_worker_that_was_busy_while_the_broker_went_away_hears_again(
    install: Callable[[str], Installation],
    watch: Callable[[str], Watched],
    broker: Redis,
    ailing: Callable[..., None],
) -> None:
    busy, watched = install("busy"), watch("busy")
    busy.environment["COSTWATCH_BACKFILL_SINCE"] = "2026-11-20"
    busy.run("sync", "-v0", "--source=directory")
    ailing(kind="latency", path="claude_code", options={"seconds": 6})
    # Its one child reads, and it may take no second message: nothing tells it that the broker is gone.
    worker = busy.worker(children=1)
    busy.run("shell", "-v0", "-c", READ_ONE)
    reading = "SELECT count(*) FROM ingest_lease WHERE source = 'claude_code'"
    wait_for(lambda: watched.one(reading) == 1, 60, "it is not read")
    broker.stop()
    wait_for(lambda: watched.one(reading) == 0, 60, "the run did not end")
    time.sleep(1)
    broker.start()
    send(broker, message("tick"))
    took = wait_for(lambda: watched.one("SELECT count(*) FROM ingest_slot") > 0, 30, "it hears nothing any more")
    print(f"hearing again after {took:.1f} s")
    assert worker.poll() is None
