"""What a poll of the newest 20 minutes of a 1,000-key organization costs the processor, new minutes included.

The vendor is the sandbox at that size, in a process of its own whose time is in a file; the database is PostgreSQL. A
quarter of the polled minutes is new since the last poll, as it is every five minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.harness import ROOT, Line, at_most, database, median, postgres

BEGINS = datetime(2026, 11, 20, 14, 6, tzinfo=UTC)
POLLS = 6
EVERY = timedelta(minutes=5)
SCALE = 17


def main() -> list[Line]:
    os.environ |= {"COSTWATCH_NOW": BEGINS.isoformat(), "COSTWATCH_BACKFILL_SINCE": "2026-11-20"}
    with tempfile.NamedTemporaryFile("w") as told:
        return [_with_vendor(Path(told.name))]


def _with_vendor(time_file: Path) -> Line:
    time_file.write_text(BEGINS.isoformat())
    command = [sys.executable, "-m", "bench.minute_poll", "vendor", str(time_file)]
    vendor = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert vendor.stdout
        url, key = vendor.stdout.readline().split()
        os.environ["COSTWATCH_ADMIN_KEY"] = key
        with postgres() as address, database(address):
            return _measure(url, time_file)
    finally:
        vendor.kill()
        vendor.wait()


def _measure(url: str, time_file: Path) -> Line:
    from django.conf import settings

    from costwatch.directory.models import ApiKey
    from costwatch.ingest.connect import client, connect
    from costwatch.ingest.order import Order
    from costwatch.ingest.sync import sync

    settings.UPSTREAM_URL = url
    seconds, rows, changed = [], 0, 0
    with client() as opened:
        connected = connect(opened)
        for source in ("directory", "minutes"):
            sync(connected, source, Order())
        for poll in range(1, POLLS + 1):
            os.environ["COSTWATCH_NOW"] = (BEGINS + EVERY * poll).isoformat()
            time_file.write_text(os.environ["COSTWATCH_NOW"])
            began = time.process_time()
            run = sync(connected, "minutes", Order(paced=True))
            seconds.append(time.process_time() - began)
            if run is None or run.outcome != "succeeded":
                raise SystemExit(f"the poll failed: {run and run.error}")
            rows, changed = run.rows_read, run.rows_changed
    told = f"{ApiKey.objects.count():,} keys; {rows:,} rows of 20 minutes, {changed} minutes changed"
    return at_most("minutes", "a poll, processor time", median(seconds), 1, unit="s", detail=told)


def _vendor(time_file: Path) -> None:
    """Serve the organization at the time that the file says."""
    from costwatch.upstream.sandbox.server import SandboxServer

    def now() -> datetime:
        return datetime.fromisoformat(time_file.read_text())

    with SandboxServer(anchor=BEGINS, now=now, scale=SCALE) as server:
        print(server.url, server.admin_key, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1:2] == ["vendor"]:
        _vendor(Path(sys.argv[2]))
    else:
        print(*main(), sep="\n")
