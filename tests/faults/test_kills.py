"""Real processes killed at random: whatever they were doing, the totals end up as those of an undisturbed run.

COSTWATCH_KILLS sets how many kills (3 in `make test`, 20 in `make test-faults`), COSTWATCH_SEED replays a run.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings

from costwatch.upstream.sandbox.server import SandboxServer

MANAGE = str(Path(settings.BASE_DIR) / "manage.py")
KILLS = int(os.environ.get("COSTWATCH_KILLS", "3"))
SEED = int(os.environ.get("COSTWATCH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
SINCE = "2026-09-01"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.xdist_group("kills")]


@pytest.fixture
def environment(sandbox: SandboxServer, tmp_path: Path, now: datetime) -> dict[str, str]:
    """What a process needs to read the sandbox into a database of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | {
        "COSTWATCH_DATA_DIR": str(tmp_path / "disturbed"),
        "COSTWATCH_UPSTREAM_URL": sandbox.url,
        "COSTWATCH_ADMIN_KEY": sandbox.admin_key,
        "COSTWATCH_BACKFILL_SINCE": SINCE,
        "COSTWATCH_LOG_LEVEL": "CRITICAL",
    }


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, MANAGE, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours and everything it started, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answer(environment: dict[str, str], name: str, grouping: str) -> dict[str, object]:
    asked = ["report", name, "--since", SINCE, "--until", "2026-11-20", "--group-by", grouping, "--format", "json"]
    command = [sys.executable, MANAGE, *asked]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=True)
    made: dict[str, object] = json.loads(done.stdout)
    return made


def finish(environment: dict[str, str]) -> None:
    """Sync until every window succeeded, as an operator or the tick would."""
    for _ in range(20):
        if start(environment, "sync", "-v0").wait(timeout=300) == 0:
            return
    raise AssertionError("sync did not come to an end")


def test_random_kills_during_a_backfill_lose_and_double_nothing(
    sandbox: SandboxServer, environment: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    sandbox.faults.weather()
    killed = 0
    for _ in range(KILLS):
        process = start(environment, "sync", "-v0")
        time.sleep(chance.uniform(0.8, 3.5))
        killed += process.poll() is None
        kill(process)
    finish(environment)
    sandbox.faults.clear()
    undisturbed = environment | {"COSTWATCH_DATA_DIR": str(tmp_path / "undisturbed")}
    finish(undisturbed)
    finish(environment)
    for name, grouping in (("spend", "workspace_id,model"), ("usage", "api_key_id,speed"), ("unpriced", "")):
        disturbed = answer(environment, name, grouping)
        assert disturbed["rows"], f"seed {SEED}"
        assert disturbed == answer(undisturbed, name, grouping), f"seed {SEED}"
    assert killed >= 1, f"seed {SEED}: nothing was killed at work"


def test_tsk_02_up_is_killed_and_its_next_start_carries_on(environment: dict[str, str], tmp_path: Path) -> None:
    """The restart empties the in-memory broker: the database alone says what is left to do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chance = random.Random(SEED)
    for _ in range(2):
        process = start(environment, "up", "--port", str(port))
        _wait_for(port)
        time.sleep(chance.uniform(0.5, 2.0))
        kill(process)
    process = start(environment, "up", "--port", str(port))
    try:
        _wait_for(port)
        deadline = time.monotonic() + 120
        while (states := _states(environment)) & {"nothing", "missing"} and time.monotonic() < deadline:
            time.sleep(1)
        assert not states & {"nothing", "missing"}
    finally:
        kill(process)
    finish(environment)
    undisturbed = environment | {"COSTWATCH_DATA_DIR": str(tmp_path / "undisturbed")}
    finish(undisturbed)
    assert answer(environment, "spend", "workspace_id") == answer(undisturbed, "spend", "workspace_id")


def _states(environment: dict[str, str]) -> set[str]:
    """The states of the coverage; `nothing` before the organization is known."""
    rows = answer(environment, "coverage", "")["rows"]
    assert isinstance(rows, list)
    return {str(row["state"]) for row in rows} or {"nothing"}


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
                assert response.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the web server did not come up")
