"""A broker that goes away behind the back of a worker that is busy, and waits for no message."""

from collections.abc import Callable

import pytest

from tests.servers import Redis, wait_for

from .conftest import Watched
from .installation import Installation

pytestmark = pytest.mark.timeout(240)


def test_tsk_07_a_worker_that_was_busy_while_the_broker_restarted_hears_again(
    install: Callable[[str], Installation], watch: Callable[[str], Watched], broker: Redis
) -> None:
    busy, watched = install("busy"), watch("busy")
    busy.environment["COSTWATCH_BACKFILL_SINCE"] = "2025-12-01"
    busy.beat()
    # Its one child reads, and it may take no second message: nothing tells it that the broker is gone.
    worker = busy.worker(children=1)
    wait_for(lambda: watched.hours > 0, 60, "nothing was read")
    wait_for(lambda: watched.one("SELECT count(*) FROM ingest_lease") == 1, 60, "nothing is being read")
    broker.stop()
    wait_for(lambda: watched.one("SELECT count(*) FROM ingest_lease") == 0, 60, "the run did not end")
    wait_for(lambda: "could not acknowledge" in busy.log.read_text(), 30, "its message was acknowledged")
    broker.start()
    rung = watched.one("SELECT count(*) FROM ingest_slot")
    took = wait_for(lambda: watched.one("SELECT count(*) FROM ingest_slot") > rung, 30, "it hears nothing any more")
    print(f"hearing again after {took:.1f} s")
    assert worker.poll() is None
