"""B2's bookkeeping: what a poll of the newest 48 hours writes to the log when nothing changed, by table.

The organization is the sandbox's, read through the real sync; the log is read with PostgreSQL's own pg_walinspect.
"""

from __future__ import annotations

import os
from collections import Counter

from bench.harness import Line, at_most, database, median, postgres

POLLS = 5
LEDGER = (
    "ledger_fact",
    "ledger_seriesday",
    "ledger_seriesmonth",
    "ledger_groupday",
    "ledger_groupmonth",
    "ledger_series",
)
NOW = "2026-11-20T14:05:00Z"


def main() -> list[Line]:
    os.environ |= {"COSTWATCH_NOW": NOW, "COSTWATCH_BACKFILL_SINCE": "2026-11-13"}
    with postgres() as url, database(url):
        return _measure()


def _measure() -> list[Line]:
    from datetime import date

    from django.db import connection

    from costwatch.ingest.connect import client, connect
    from costwatch.ingest.installation import upstream
    from costwatch.ingest.order import Order
    from costwatch.ingest.sources import SOURCES
    from costwatch.ingest.sync import sync

    newest = Order(since=date(2026, 11, 18), until=date(2026, 11, 21))
    written: list[int] = []
    of_ledger: list[int] = []
    with upstream(), client() as opened:
        connected = connect(opened)
        for source in SOURCES:
            sync(connected, source, Order())
        for _ in range(2 + POLLS):
            before = _lsn()
            run = sync(connected, "usage", newest)
            if run is None or run.rows_changed:
                raise SystemExit("the poll was to find everything as it was")
            after = _lsn()
            by_table = _by_table(before, after)
            written.append(sum(by_table.values()))
            of_ledger.append(sum(by_table[name] for name in LEDGER))
    connection.close()
    largest = ", ".join(f"{name} {size}" for name, size in by_table.most_common(4))
    return [
        at_most("B2", "facts, rollups and charges of an unchanged poll", max(of_ledger), 0, unit="bytes"),
        at_most("B2", "its bookkeeping", median(written[2:]), 2048, unit="bytes", detail=largest),
    ]


def _lsn() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        return str(cursor.fetchone()[0])


def _by_table(before: str, after: str) -> Counter[str]:
    """Bytes of the log between two places, full-page images left out, by table (an index counts for its table)."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(i.indrelid, c.oid)::regclass::text, sum(r.record_length - r.fpi_length) "
            "FROM pg_get_wal_records_info(%s, %s) r "
            "LEFT JOIN pg_class c ON c.relfilenode::text = substring(r.block_ref FROM 'rel \\d+/\\d+/(\\d+)') "
            "LEFT JOIN pg_index i ON i.indexrelid = c.oid GROUP BY 1",
            [before, after],
        )
        return Counter({name or "transactions": int(size) for name, size in cursor.fetchall()})


if __name__ == "__main__":
    print(*main(), sep="\n")
