"""Real workers and schedulers on a real Redis and PostgreSQL: killed, restarted and robbed of their messages."""

import base64
import json
import os
import pickle
import re
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from costwatch.broker import DEFAULT, FETCH
from tests.servers import Postgres, Redis, wait_for

from .conftest import Watched
from .installation import Installation, Sandbox, kill

pytestmark = pytest.mark.timeout(240 if os.environ.get("COSTWATCH_RESTARTS", "1") == "1" else 1800)
Install = Callable[[str], Installation]
Watch = Callable[[str], Watched]
RESTARTS = int(os.environ.get("COSTWATCH_RESTARTS", "1"))
# To 2026-11-20 14:05. Many restarts need a long history, or the last of them would find nobody at work.
SINCE = date(2026, 10, 21) if RESTARTS == 1 else date(2025, 8, 1)
DAYS = (date(2026, 11, 20) - SINCE).days + 1
HOURS = (DAYS - 1) * 24 + 15
RUNG = "SELECT count(*) FROM ingest_slot"
REPORTS = (("spend", "workspace_id,model"), ("usage", "api_key_id,speed"), ("unpriced", ""))


def told(by: Installation, name: str, grouping: str) -> dict[str, object]:
    """A report, but for `complete`, which says how often the newest hours were read."""
    return {key: value for key, value in by.report(name, grouping).items() if key != "complete"}


def is_read(watched: Watched) -> bool:
    return watched.hours >= HOURS and watched.days >= DAYS


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, object]:
    """What every run must come to; filled by the first test."""
    return {}


def test_tsk_13_a_full_run_tells_the_broker_ids_only(
    install: Install, watch: Watch, monitor: Path, vendor: Sandbox, undisturbed: dict[str, object]
) -> None:
    quiet = install("quiet")
    quiet.environment["COSTWATCH_BACKFILL_SINCE"] = f"{SINCE}"
    quiet.worker()
    quiet.beat()
    wait_for(lambda: is_read(watch("quiet")), 90 * RESTARTS, "the history was not read")
    undisturbed.update({name: told(quiet, name, grouping) for name, grouping in REPORTS})
    assert quiet.run("alive", "worker").startswith("a worker heard the scheduler")
    assert quiet.run("alive", "beat").startswith("the scheduler rang")
    said = monitor.read_text()
    bodies = [base64.b64decode(body).decode() for body in re.findall(r'\\"body\\": \\"([A-Za-z0-9+/=]+)\\"', said)]
    assert sum("costwatch.ingest.tasks.run_source" in line for line in said.splitlines()) >= 3
    assert any(re.fullmatch(r'\[\[\d+, "usage"\], \{\}, .+\]', body) for body in bodies), bodies
    everything = said + "".join(bodies)
    for secret in (vendor.key, "sk-ant-", vendor.url, "://"):
        assert secret not in everything
    assert re.findall(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", everything) == []


def test_tsk_02_tsk_03_tsk_07_tsk_12_whatever_dies_the_totals_are_the_same(
    install: Install,
    watch: Watch,
    broker: Redis,
    cluster: Postgres,
    undisturbed: dict[str, object],
) -> None:
    disturbed, watched = install("disturbed"), watch("disturbed")
    disturbed.environment["COSTWATCH_BACKFILL_SINCE"] = f"{SINCE}"
    # As docker-compose.yml starts them: who reads for long keeps nobody else waiting.
    beat, chores = disturbed.beat(), disturbed.worker("chores", children=1, queues=DEFAULT)
    worker = disturbed.worker(queues=FETCH)
    wait_for(lambda: watched.hours > 0, 60, "nothing was read")
    assert not is_read(watched)

    kill(worker)
    broker.ask("FLUSHALL")
    before = watched.hours
    worker = disturbed.worker(queues=FETCH)
    # TSK-02, TSK-03: the lease of the dead and the lost messages cost a sweep, not more.
    took = wait_for(lambda: watched.hours > before, 90, "the unit in flight was not taken up again")
    print(f"taken up again after {took:.1f} s")

    for _ in range(RESTARTS):
        broker.stop()
        time.sleep(1)
        rung = watched.one(RUNG)
        broker.start()
        # TSK-07: a slot that is taken is a message that went out and was consumed.
        took = wait_for(lambda rung=rung: watched.one(RUNG) > rung, 30, "nothing was consumed after the restart")
        print(f"consuming again after {took:.1f} s, {watched.hours} hours read")

        cluster.stop()
        time.sleep(1)
        cluster.start()
        # TSK-12: the same, for what was consumed is written down there.
        rung = watched.one(RUNG)
        took = wait_for(lambda rung=rung: watched.one(RUNG) > rung, 30, "nothing was consumed after the restart")
        print(f"the database is back after {took:.1f} s, {watched.hours} hours read")
    wait_for(lambda: is_read(watched), 120 * RESTARTS, "the history was not read")
    assert (worker.poll(), chores.poll(), beat.poll()) == (None, None, None), "somebody had to be started again"
    assert watched.one("SELECT count(*) FROM ingest_run WHERE outcome = 'abandoned'") >= 1
    for name, grouping in REPORTS:
        assert told(disturbed, name, grouping) == undisturbed[name]


class _Opens:
    """What a pickle does to those who read it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self._path, "w"))


def test_tsk_14_tsk_15_a_pickle_is_not_opened_and_a_stop_in_the_middle_is_clean(
    install: Install, watch: Watch, broker: Redis, tmp_path: Path
) -> None:
    stopped, watched = install("stopped"), watch("stopped")
    stopped.environment["COSTWATCH_BACKFILL_SINCE"] = "2025-10-20"
    marker = tmp_path / "opened"
    body = base64.b64encode(pickle.dumps(((_Opens(str(marker)),), {}, {}))).decode()
    headers = {"lang": "py", "task": "costwatch.ingest.tasks.ring", "id": "1", "root_id": "1", "parent_id": None}
    properties = {"delivery_tag": "1", "body_encoding": "base64", "delivery_mode": 2, "priority": 0}
    properties["delivery_info"] = {"exchange": "", "routing_key": "costwatch"}  # type: ignore[assignment]
    message = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
    broker.ask(
        "LPUSH", "costwatch", json.dumps({**message, "body": body, "headers": headers, "properties": properties})
    )
    worker = stopped.worker()
    stopped.beat()
    wait_for(lambda: watched.hours > 0, 60, "nothing was read")
    assert not marker.exists()
    assert "python-serialize" in stopped.log.read_text(), "the message was not even looked at"

    worker.send_signal(signal.SIGTERM)
    took = wait_for(lambda: worker.poll() is not None, 30, "the worker did not stop")
    print(f"stopped after {took:.1f} s")
    assert watched.one("SELECT count(*) FROM ingest_lease") == 0, "a unit was not given back"
    before = watched.hours
    stopped.worker("two")
    wait_for(lambda: watched.hours > before, 60, "nobody carried on")


def test_tsk_15_a_worker_that_serves_the_sandbox_itself_stops_too(install: Install, watch: Watch) -> None:
    """Its server is a thread of the worker: it is closed before the interpreter ends."""
    sandbox, watched = install("sandboxed"), watch("sandboxed")
    for name in ("COSTWATCH_ADMIN_KEY", "COSTWATCH_UPSTREAM_URL"):
        del sandbox.environment[name]
    worker = sandbox.worker()
    sandbox.beat()
    wait_for(lambda: watched.days > 0, 60, "nothing was read")
    worker.send_signal(signal.SIGTERM)
    wait_for(lambda: worker.poll() is not None, 30, "the worker did not stop")


def test_tsk_17_parts_of_their_own_refuse_what_they_cannot_share(install: Install, tmp_path: Path) -> None:
    alone = install("alone")
    right = alone.environment
    alone.environment = right | {"COSTWATCH_BROKER_URL": "memory://"}
    worker = alone.worker()
    alone.environment = right | {"DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"}
    beat = alone.beat()
    assert (worker.wait(30), beat.wait(30)) == (1, 1)
    said = alone.log.read_text()
    assert "COSTWATCH_BROKER_URL is memory://, which no other process can hear" in said
    assert "the database is SQLite, and this is a beat process of its own" in said
