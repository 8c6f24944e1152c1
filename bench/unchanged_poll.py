"""B2's bookkeeping: what a poll of the newest hours, or minutes, writes to the log when nothing changed, by table.

The organization is the sandbox's, whose time stands still while ours goes on, read as the scheduler reads it; the log
is read with PostgreSQL's own pg_walinspect.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.harness import Line, at_most, database, median, postgres

POLLS = 5
LEDGER = (
    "ledger_fact",
    "ledger_minutefact",
    "ledger_seriesday",
    "ledger_seriesmonth",
    "ledger_groupday",
    "ledger_groupmonth",
    "ledger_series",
)
NOW = datetime(2026, 11, 20, 14, 15, tzinfo=UTC)
# What is polled, and how often.
POLLED = (("usage", timedelta(minutes=3)), ("minutes", timedelta(minutes=5)))


def main() -> list[Line]:
    os.environ |= {"COSTWATCH_NOW": NOW.isoformat(), "COSTWATCH_BACKFILL_SINCE": "2026-11-13"}
    with postgres() as url, database(url):
        return _measure()


def _measure() -> list[Line]:
    from django.conf import settings
    from django.db import connection

    from costwatch.ingest.connect import client, connect
    from costwatch.ingest.models import Run
    from costwatch.ingest.order import Order
    from costwatch.ingest.sources import SOURCES
    from costwatch.ingest.sync import sync
    from costwatch.upstream.sandbox.server import SandboxServer

    lines = []
    with SandboxServer(anchor=NOW, now=lambda: NOW) as server:
        os.environ["COSTWATCH_ADMIN_KEY"] = server.admin_key
        settings.UPSTREAM_URL = server.url
        with client() as opened:
            connected = connect(opened)
            for source in SOURCES:
                sync(connected, source, Order())
            # What the first reading asked is of another hour: the polls have a whole share.
            Run.objects.update(asked={})
            for source, every in POLLED:
                written: list[int] = []
                of_ledger: list[int] = []
                for poll in range(1, POLLS + 3):
                    os.environ["COSTWATCH_NOW"] = (NOW + every * poll).isoformat()
                    before = _lsn()
                    run = sync(connected, source, Order(paced=True))
                    if run is None or run.rows_changed:
                        raise SystemExit(f"the poll of {source} was to find everything as it was")
                    by_table = _by_table(before, _lsn())
                    written.append(sum(by_table.values()))
                    of_ledger.append(sum(by_table[name] for name in LEDGER))
                largest = ", ".join(f"{name} {size}" for name, size in by_table.most_common(4))
                what = f"unchanged poll of {source}"
                lines += [
                    at_most("B2", f"{what}: facts, rollups, charges", max(of_ledger), 0, unit="bytes"),
                    at_most("B2", f"{what}: bookkeeping", median(written[2:]), 2048, unit="bytes", detail=largest),
                ]
    connection.close()
    return lines


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
            "SELECT regexp_replace(coalesce(i.indrelid, c.oid)::regclass::text, '_\\d{8}$', ''), "
            "sum(r.record_length - r.fpi_length) "
            "FROM pg_get_wal_records_info(%s, %s) r "
            "LEFT JOIN pg_class c ON c.relfilenode::text = substring(r.block_ref FROM 'rel \\d+/\\d+/(\\d+)') "
            "LEFT JOIN pg_index i ON i.indexrelid = c.oid GROUP BY 1",
            [before, after],
        )
        return Counter({name or "transactions": int(size) for name, size in cursor.fetchall()})


if __name__ == "__main__":
    print(*main(), sep="\n")
