"""The crash loop in its short form: a few kills, a few days (ING-02). `make test-faults` runs the long one.

COSTWATCH_KILLS sets how many kills, COSTWATCH_SEED replays a run.
"""

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from costwatch.ingest.failpoints import NAMES

from .loop import Bench, Kill, compare, plan
from .shapes import Up, Workers

KILLS = int(os.environ.get("COSTWATCH_KILLS", "3"))
SEED = int(os.environ.get("COSTWATCH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Two days of history."""
    made = Bench(tmp_path_factory.mktemp("bench"), 2, latency=20)
    yield made
    made.end()


def test_ing_02_tsk_02_random_kills_during_a_backfill_lose_and_double_nothing(bench: Bench, tmp_path: Path) -> None:
    """The restart empties the in-memory broker: the database alone says what is left to do."""
    up = Up(tmp_path / "up", bench.environment)
    found = bench.loop(up, SEED, plan(SEED, KILLS, up.victims), patience=150, clears=True)
    assert found == [], f"seed {SEED}"

    # The comparison sees one token in one minute, and one in one hour.
    for table, told in (("ledger_minutefact", "MinuteFact: "), ("ledger_fact", "Fact: ")):
        with closing(sqlite3.connect(tmp_path / "up" / "costwatch.sqlite3")) as connection, connection:
            connection.execute(
                f"UPDATE {table} SET output_tokens = output_tokens + 1 WHERE rowid = (SELECT max(rowid) FROM {table})"
            )
        assert any(line.startswith(told) for line in compare(up, bench.tables, bench.truth, bench.since))


def test_a_seed_gives_the_same_plan_again() -> None:
    assert plan(7, 50, Workers.victims) == plan(7, 50, Workers.victims) != plan(8, 50, Workers.victims)
    kills = [one for seed in range(20) for one in plan(seed, 50, Up.victims)]
    assert {one.failpoint.partition(":")[0] for one in kills} == {"", *NAMES}
    assert {one.victim for one in kills} == {"up", "upstream"}
    assert all(0.5 <= one.after <= 4.5 for one in kills)


def test_a_child_is_never_killed_twice_in_a_row() -> None:
    """Three children in a row without progress are what a poisonous message looks like."""
    for seed in range(20):
        victims = [one.victim for one in plan(seed, 50, Workers.victims)]
        assert ("child", "child") not in list(pairwise(victims))


def test_a_kill_says_when_or_where() -> None:
    assert str(Kill("up", 1.234)) == "up at 1.23 s"
    assert str(Kill("up", 1.234, "commit.after:3")) == "up at commit.after:3"
