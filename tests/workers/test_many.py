"""Many workers and schedulers at once: every source of an organization is still read by one run at a time."""

import os
import re
from collections.abc import Callable

import pytest

from tests.servers import wait_for

from .conftest import Watched
from .installation import Installation, Sandbox

# What the long form asks for is eight workers and three schedulers.
WORKERS = int(os.environ.get("COSTWATCH_WORKERS", "2"))
SCHEDULERS = int(os.environ.get("COSTWATCH_SCHEDULERS", "2"))
# 2026-10-21 to 2026-11-20 14:05.
HOURS, DAYS = 30 * 24 + 15, 31
ONE_AT_A_TIME = "CREATE UNIQUE INDEX one_at_a_time ON ingest_run (organization_id, source) WHERE outcome = 'running'"
EVERYONE = f"""
from costwatch.directory.models import Organization
from costwatch.ingest.tasks import run_source
for source in ("usage", "cost", "minutes"):
    for worker in range({2 * WORKERS}):
        run_source.delay(Organization.objects.get().pk, source)
"""
WRONG = {
    "a run that was given up": "SELECT count(*) FROM ingest_run WHERE outcome NOT IN ('succeeded', 'running')",
    "a slot that was rung twice": "SELECT count(*) - count(DISTINCT (job, start)) FROM ingest_slot",
    "a span that was recorded twice": "SELECT count(*) FROM ledger_revision",
}


@pytest.mark.timeout(600)
def test_ing_08_many_workers_and_schedulers_run_a_source_once_at_a_time(
    install: Callable[[str], Installation], watch: Callable[[str], Watched], vendor: Sandbox
) -> None:
    """PostgreSQL itself refuses a second run of a source: an index that only this test makes."""
    crowd, watched = install("crowd"), watch("crowd")
    watched.order(ONE_AT_A_TIME)
    before = len(vendor.asked("requests"))
    processes = [crowd.beat() for _ in range(SCHEDULERS)]
    processes += [crowd.worker(f"w{number}") for number in range(WORKERS)]
    wait_for(lambda: watched.one("SELECT count(*) FROM directory_organization") > 0, 60, "nobody was connected")
    # Every worker hears of every source at the same moment, as after a broker that delivered again what it had kept.
    crowd.run("shell", "-v0", "-c", EVERYONE)
    wait_for(lambda: watched.hours >= HOURS and watched.days >= DAYS, 300, "the history was not read")
    assert [process.poll() for process in processes] == [None] * len(processes)
    said = crowd.log.read_text()
    assert "one_at_a_time" not in said
    assert not re.search(r"(?m)^Traceback", said), said[-3000:]
    assert {what: watched.one(question) for what, question in WRONG.items()} == dict.fromkeys(WRONG, 0)
    # Nobody asked for what no run accounts for; those under way write their count down every few seconds.
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(60)
    asked = [entry for entry in vendor.asked("requests")[before:] if "report" in entry["path"]]
    counted = watched.one("SELECT sum(requests) FROM ingest_run WHERE source <> 'directory'")
    assert 0 < len(asked) <= counted
