"""/readyz and /metrics of real processes while their database, broker and scheduler are taken away and given back."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.servers import Postgres, Redis, free_port, wait_for

from .installation import MANAGE, Installation, kill

pytestmark = pytest.mark.timeout(240)
OK = {"database": "ok", "broker": "ok", "scheduler": "ok", "ingest": "ok"}
# OPS-04: the failure of each part is shown within a minute; none of these waits for a clock.
SOON = 20
TOKEN = "d3b07384d113edec49eaa6238ad5ff00"


def test_ops_04_the_failure_of_each_part_is_shown_and_its_return_too(
    install: Callable[[str], Installation], cluster: Postgres, broker: Redis
) -> None:
    installed = install("probed")
    port = free_port()
    installed.environment |= {"PORT": str(port), "COSTWATCH_METRICS_TOKEN": TOKEN}
    web = installed.start(*MANAGE, "serve")

    def get(path: str, **headers: str) -> tuple[int, str]:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            asked.request("GET", path, headers=headers)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            asked.close()

    def found() -> dict[str, Any]:
        return dict(json.loads(get("/readyz")[1] or "{}").get("checks", {}))

    def shows(**parts: str) -> None:
        wait_for(lambda: found() == OK | parts, SOON, f"/readyz does not show {parts}, but {found()}")

    wait_for(lambda: get("/healthz")[0] == 200, 30, "the pages do not answer")
    shows(scheduler="failed")
    installed.worker()
    beat = installed.beat()
    shows()
    assert get("/readyz")[0] == 200

    broker.stop()
    shows(broker="failed")
    assert get("/readyz")[0] == 503
    broker.start()
    shows()

    kill(beat)
    where = f"host={cluster.socket} user=costwatch dbname=probed"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("UPDATE ingest_heartbeat SET at = at - interval '200 seconds' WHERE role = 'beat'")
    shows(scheduler="failed")
    installed.beat()
    shows()

    cluster.stop()
    try:
        shows(database="failed", scheduler="unknown", ingest="unknown")
        began = time.monotonic()
        assert get("/healthz")[0] == 200
        assert time.monotonic() - began < 1
        status, said = get("/metrics", authorization=f"Bearer {TOKEN}")
        assert (status, 'costwatch_check_ok{check="database"} 0' in said) == (200, True)
    finally:
        cluster.start()
    shows()
    status, said = get("/metrics", authorization=f"Bearer {TOKEN}")
    assert (status, 'costwatch_check_ok{check="database"} 1' in said) == (200, True)
    assert web.poll() is None
