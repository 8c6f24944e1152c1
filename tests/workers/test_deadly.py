"""A real child that dies of its work, while its worker lives on."""

import time
from collections.abc import Callable

import pytest

from tests.servers import wait_for

from .conftest import Watched
from .installation import Installation, kill

pytestmark = pytest.mark.timeout(240)
PARKED = "SELECT count(*) FROM ingest_source WHERE name = 'usage' AND paused_until > '2026-11-20T20:00:00Z'"


def test_tsk_08_what_kills_three_children_is_parked_and_everything_else_goes_on(
    install: Callable[[str], Installation], watch: Callable[[str], Watched]
) -> None:
    """Only usage is rolled up inside its transaction: there its child ends, without a word, whenever it is tried."""
    deadly, watched = install("deadly"), watch("deadly")
    deadly.environment |= {"COSTWATCH_FAILPOINT": "rollup.before:1", "COSTWATCH_BACKFILL_SINCE": "2026-11-14"}
    worker, beat = deadly.worker(), deadly.beat()
    wait_for(lambda: watched.one(PARKED) == 1, 90, "the source was not parked")
    runs = "SELECT count(*) FROM ingest_run WHERE source = 'usage'"
    assert watched.one(runs) == 3
    assert watched.one(f"{runs} AND outcome = 'abandoned'") >= 2
    assert watched.one("SELECT count(DISTINCT worker) FROM ingest_run") == 1
    assert "Reading usage ended the worker's child 3 times in a row" in deadly.log.read_text()

    wait_for(lambda: watched.days == 7, 30, "cost did not go on")
    minutes = "SELECT count(*) FROM ingest_coverage WHERE source = 'minutes'"
    wait_for(lambda: watched.one(minutes) == 6 * 24 + 15, 60, "minutes did not go on")
    time.sleep(2)
    assert watched.one(runs) == 3
    assert (worker.poll(), beat.poll()) == (None, None)

    kill(worker)
    del deadly.environment["COSTWATCH_FAILPOINT"]
    said = deadly.run("sync", "--source", "usage")
    assert "usage: succeeded" in said
    assert watched.one("SELECT count(*) FROM ingest_source WHERE paused_until IS NOT NULL") == 0
    assert watched.hours == 6 * 24 + 15
