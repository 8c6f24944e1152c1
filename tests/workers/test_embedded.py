"""Worker and scheduler inside `up`: threads that end begin anew, and reading leaves room for everything else."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from costwatch.ingest.lanes import Lanes

from .installation import FOREIGN, ROOT

pytestmark = pytest.mark.timeout(120)
READING, TICK = "costwatch.ingest.tasks.run_source", "costwatch.ingest.tasks.tick"
# Ends a thread in the middle of whatever it does, as no exception of ours would.
ENDS_BOTH = """
import ctypes, json, logging, threading, time
import django; django.setup()
logging.disable(logging.CRITICAL)
from django.core.management import call_command
call_command("migrate", verbosity=0)
from costwatch.ingest import embedded, heartbeat, slots
from costwatch.ingest.models import Heartbeat, Slot
from costwatch.role import BEAT, WORKER
embedded.AGAIN_SECONDS = 0.2
embedded.Embedded().start()

def signs():
    return {role: (Heartbeat.objects.filter(role=role).values_list("at", flat=True).first()) for role in (BEAT, WORKER)}

def wait(is_so):
    until = time.monotonic() + 40
    while not is_so() and time.monotonic() < until:
        time.sleep(0.2)
    return is_so()

def end(name):
    thread = next(one for one in threading.enumerate() if one.name == name)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
    return thread

told = {"begins": wait(lambda: all(signs().values()))}
before, rung = signs(), Slot.objects.count()
for name in ("worker", "beat"):
    end(name)
# As if a minute had passed: what the scheduler rings next finds its slot free.
time.sleep(3)
Slot.objects.all().delete()
told["rings"] = wait(lambda: signs()[BEAT] > before[BEAT])
told["hears"] = wait(lambda: Slot.objects.exists())
told["threads"] = sorted(one.name for one in threading.enumerate() if one.name in ("worker", "beat"))
print(json.dumps(told), flush=True)
import os; os._exit(0)
"""


def test_tsk_06_a_worker_or_scheduler_that_ends_inside_up_begins_anew(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = kept | {"COSTWATCH_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "costwatch.settings"}
    environment |= {"COSTWATCH_ADMIN_KEY": "none", "COSTWATCH_UPSTREAM_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", ENDS_BOTH], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == {"begins": True, "rings": True, "hears": True, "threads": ["beat", "worker"]}


def test_tsk_09_ten_reads_that_hang_leave_room_for_a_tick_inside_up() -> None:
    lanes, hang, ticked = Lanes(3), threading.Event(), threading.Event()

    def work(name: str) -> None:
        if name == READING:
            hang.wait(30)
        else:
            ticked.set()

    began = time.monotonic()
    try:
        for name in (*[READING] * 10, TICK):
            lanes.on_apply(work, (name,), {}, callback=lambda _: None, accept_callback=lambda *_: None)
        assert ticked.wait(10)
        assert time.monotonic() - began < 10
    finally:
        hang.set()
        lanes.on_stop()
