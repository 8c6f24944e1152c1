"""Memory: `manage.py up` once everything is read, and a worker of its own while 450,000 rows are read.

Both read the sandbox's whole history. A worker is a parent and two children that share most of their pages: counted
once, as the system's proportional share says.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.harness import Line, at_most, postgres
from tests.servers import free_port, redis
from tests.workers.installation import MANAGE, NOW, Installation, Sandbox

SINCE = "2025-10-16"
QUIET_FOR = 5
MEGABYTE = 1e6
HOURS = 400 * 24
# Units: milliseconds the vendor takes for each answer (ING-13).
LATENCY = 50
MINUTES = 35 * 24
READ = (
    f"SELECT COUNT(*) FILTER (WHERE source = 'usage') >= {HOURS} "
    f"AND COUNT(*) FILTER (WHERE source = 'minutes') >= {MINUTES} FROM ingest_coverage"
)
USAGE_READ = f"SELECT COUNT(*) >= {HOURS} FROM ingest_coverage WHERE source = 'usage'"
RUNNING = "SELECT COUNT(*) FROM ingest_run WHERE outcome = 'running'"
EVERY_ROW = "SELECT SUM(rows_read) FROM ingest_run"
ROWS = "SELECT SUM(rows_read) FROM ingest_run WHERE source = 'usage'"


def main() -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        Path(folder).chmod(0o755)
        return [_up(Path(folder)), *_worker(Path(folder))]


def _up(folder: Path) -> Line:
    installation = Installation(folder, COSTWATCH_BACKFILL_SINCE=SINCE, PORT=str(free_port()))
    process = installation.start(*MANAGE, "up")

    def ask(question: str) -> int:
        with closing(sqlite3.connect(f"file:{folder}/sandbox.sqlite3?mode=ro", uri=True, timeout=30)) as database:
            return int(database.execute(question).fetchone()[0] or 0)

    try:
        largest, _, _ = _until_read(ask, lambda: _resident(process.pid))
        time.sleep(QUIET_FOR)
        after = _resident(process.pid)
        told = f"{largest / MEGABYTE:.0f} MB at most while it read {ask(ROWS):,} rows"
    finally:
        installation.end()
    return at_most("memory", "`make run` after the backfill", after / MEGABYTE, 250, unit="MB", detail=told)


def _worker(folder: Path) -> list[Line]:
    import psycopg

    vendor = Sandbox(free_port(), latency=LATENCY)
    (folder / "worker").mkdir()
    try:
        with postgres() as url, redis(folder) as broker:
            installation = Installation(
                folder / "worker",
                DATABASE_URL=url,
                COSTWATCH_BACKFILL_SINCE=SINCE,
                COSTWATCH_BROKER_URL=f"redis://127.0.0.1:{broker.port}/0",
                COSTWATCH_BROKER_PASSWORD=broker.password,
                COSTWATCH_ADMIN_KEY=vendor.key,
                COSTWATCH_UPSTREAM_URL=vendor.url,
                COSTWATCH_NOW=NOW,
            )
            installation.run("migrate", "-v0")
            with psycopg.connect(url, autocommit=True) as connection:

                def ask(question: str) -> int:
                    row = connection.execute(question).fetchone()  # type: ignore[call-overload]
                    return int(row[0] or 0)

                worker = installation.worker()
                installation.beat()
                try:
                    largest, of_usage, of_all = _until_read(ask, lambda: _share(worker.pid))
                    rows, every = ask(ROWS), ask(EVERY_ROW)
                finally:
                    installation.end()
    finally:
        vendor.stop()
    told = f"{rows:,} rows of usage at {LATENCY} ms an answer, beside the other sources; {every:,} rows of all in "
    told += f"{of_all / 60:.2g} min; the vendor on the same cores"
    return [
        at_most(
            "ING-13",
            "a worker during the backfill",
            largest / MEGABYTE,
            300,
            unit="MB",
            detail="parent and two children",
        ),
        at_most("ING-13", "the backfill of usage", of_usage / 60, 5, unit="min", detail=told),
    ]


def _until_read(
    ask: Callable[[str], int], measure: Callable[[], int], seconds: float = 600
) -> tuple[int, float, float]:
    """Measure again and again until all is read.

    Shape: the most there was, and the seconds until usage was read, and until everything was.
    """
    began, largest, of_usage = time.monotonic(), 0, 0.0
    ends = began + seconds
    while time.monotonic() < ends:
        largest = max(largest, measure())
        try:
            if not of_usage and ask(USAGE_READ):
                of_usage = time.monotonic() - began
            if ask(READ) and not ask(RUNNING):
                return largest, of_usage, time.monotonic() - began
        except sqlite3.OperationalError:
            # The file is not there yet, or has no tables.
            pass
        time.sleep(0.3)
    raise SystemExit("the history was not read in time")


def _resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    return _field(Path(f"/proc/{pid}/status"), "VmRSS:")


def _share(pid: int) -> int:
    """Bytes of a process and its descendants that are in memory, pages they share counted once."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return own + sum(_share(int(child)) for child in children)


def _field(path: Path, name: str) -> int:
    try:
        line = next(line for line in path.read_text().splitlines() if line.startswith(name))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(*main(), sep="\n")
