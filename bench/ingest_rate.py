"""How fast usage is read, recorded and priced, as a share of what this machine could do at best.

Reads the sandbox organization through the real sync into SQLite in a temporary folder, then the same span again, which
changes nothing. The floors are measured in the same run on the same rows: parsing alone, and inserting the same facts
with executemany into a table without a key.

Run: python bench/ingest_rate.py [--days 35]
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
T = TypeVar("T")

if TYPE_CHECKING:
    from costwatch.upstream.pages import Window


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure ingestion against its floors.")
    parser.add_argument("--days", type=int, default=35)
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        _configure(folder)
        from django.core.management import call_command

        from costwatch.ingest.installation import upstream

        call_command("migrate", verbosity=0)
        with upstream():
            _measure(days, Path(folder))


def _configure(folder: str) -> None:
    """A sandbox installation of its own, whatever this shell is set up for."""
    for name in [name for name in os.environ if name.startswith("COSTWATCH_") or name == "DATABASE_URL"]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        "COSTWATCH_DATA_DIR": folder,
        "COSTWATCH_NOW": NOW.isoformat(),
        "COSTWATCH_LOG_LEVEL": "WARNING",
    }
    import django

    django.setup()


def _measure(days: int, folder: Path) -> None:
    from costwatch.ingest.connect import client, connect
    from costwatch.ingest.models import Run
    from costwatch.ingest.sync import Order, sync
    from costwatch.ledger.models import COUNTS, Fact, SeriesDay
    from costwatch.upstream import usage

    order = Order(since=(NOW - timedelta(days=days - 1)).date(), until=(NOW + timedelta(days=1)).date())

    def read(source: str) -> Run:
        run = sync(connection, source, order)
        if run is None or run.outcome != Run.Outcome.SUCCEEDED:
            raise SystemExit(f"{source} failed: {run.error if run else 'nothing was due'}")
        return run

    with client() as opened:
        connection = connect(opened)
        read("directory")
        read("cost")
        # The sandbox invents a day when it is first asked for; that is not ours to measure.
        windows = _weeks(days)
        reports = [usage.read(opened, window, usage.BASE) for window in windows]
        first, first_run = _timed(lambda: read("usage"))
        second, second_run = _timed(lambda: read("usage"))
        fetch, _ = _timed(lambda: [usage.read(opened, window, usage.BASE) for window in windows])
        parse, _ = _timed(lambda: [usage.parse(bucket) for report in reports for bucket in report.buckets])
    if second_run.rows_changed:
        raise SystemExit(f"the second read changed {second_run.rows_changed} rows")
    facts = list(Fact.objects.values_list("bucket_start", "series_id", *COUNTS, "run"))
    rows = [(start.isoformat(), *rest) for start, *rest in facts]
    insert, _ = _timed(lambda: _plain_insert(folder / "floor.sqlite3", rows))
    charges = SeriesDay.objects.count()
    print(f"{days} days: {first_run.rows_read:,} rows read, {len(rows):,} facts, {charges:,} charges\n")
    print(f"{'':<44}{'seconds':>9}{'rows/s':>12}{'x floor':>9}")
    floor = parse + insert
    for name, seconds in (
        ("floor: parse only", parse),
        ("floor: plain insert into an unkeyed table", insert),
        ("floor: both", floor),
        ("base chain fetched from the sandbox", fetch),
        ("first sync: fetch, split, record, price", first),
        ("second sync: the same span, unchanged", second),
    ):
        print(f"{name:<44}{seconds:>9.2f}{first_run.rows_read / seconds:>12,.0f}{seconds / floor:>9.1f}")
    print(f"\nsecond / first: {second / first:.2f}")


def _weeks(days: int) -> list[Window]:
    """The span in windows of a week, as the sync reads it."""
    from costwatch import clock
    from costwatch.upstream.pages import Window

    start, windows = clock.floor_day(NOW) - timedelta(days=days - 1), []
    end = clock.floor_hour(NOW) + timedelta(hours=1)
    while start < end:
        windows.append(Window(start, min(end, start + timedelta(days=7))))
        start += timedelta(days=7)
    return windows


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _plain_insert(path: Path, rows: list[tuple[Any, ...]]) -> None:
    """The same facts, in one transaction, with nothing to look up and no key to keep."""
    with sqlite3.connect(path) as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=NORMAL")
        marks = ", ".join("?" * len(rows[0]))
        plain.execute(f"CREATE TABLE fact ({', '.join(f'c{index}' for index in range(len(rows[0])))})")
        plain.executemany(f"INSERT INTO fact VALUES ({marks})", rows)


if __name__ == "__main__":
    main()
