"""Reading has a queue of its own: a vendor that hangs keeps nothing else from being done, and is noticed."""

from collections.abc import Callable

import psycopg
import pytest

from tests.servers import Postgres, Redis, wait_for

from .conftest import Watched
from .installation import Installation, Sandbox, kill
from .messages import message, send

pytestmark = pytest.mark.timeout(240)


def test_tsk_09_tsk_06_ten_reads_that_hang_keep_no_tick_waiting_and_the_silence_is_noticed(
    install: Callable[[str], Installation],
    watch: Callable[[str], Watched],
    broker: Redis,
    cluster: Postgres,
    vendor: Sandbox,
    ailing: Callable[..., None],
) -> None:
    hung, watched = install("hung"), watch("hung")
    hung.worker("reader", children=4, queues="fetch")
    hung.worker("worker", children=1, queues="costwatch")
    beat = hung.beat()
    wait_for(lambda: watched.hours > 0, 60, "nothing was read")
    wait_for(lambda: hung.run("alive", "worker", status=None).startswith("a worker heard"), 60, "no sign of life")
    kill(beat)

    ailing(kind="latency", options={"seconds": 120})
    for number in range(10):
        send(broker, message("run_source", number=number))
    wait_for(lambda: int(broker.ask("LLEN", "fetch")) >= 2, 60, "four reads do not fill the pool")
    with psycopg.connect(f"host={cluster.socket} user=costwatch dbname=hung", autocommit=True) as connection:
        connection.execute("DELETE FROM ingest_slot")
        connection.execute("UPDATE ingest_heartbeat SET at = at - interval '301 seconds' WHERE role = 'vendor'")
    send(broker, message("tick"))
    took = wait_for(lambda: watched.one("SELECT count(*) FROM ingest_slot") > 0, 10, "the tick waited for the vendor")
    print(f"a tick began after {took:.1f} s")
    assert int(broker.ask("LLEN", "fetch")) >= 2

    # Nobody rings any more: the silence is told by who reads, not by the scheduler.
    said = hung.run("alive", "worker", status=None)
    assert "the vendor answered 30" in said, said
