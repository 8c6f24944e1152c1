"""B1 and B2: one report page from bytes to facts in PostgreSQL, first and again, beside COPY and the plain Django way.

The floor is COPY of ready-made binary bytes into a table with the same columns and key: what is left when nothing has
to be parsed, interned, compared or encoded.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bench.harness import Line, at_least, at_most, database, median, postgres, timed
from bench.report_pages import page

ROUNDS = 5
TEXT = ("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo", "speed")


def main() -> list[Line]:
    with postgres() as url, database(url):
        return _measure(page())


def _measure(body: bytes) -> list[Line]:
    from bench import page_to_facts as ours
    from costwatch.ledger.models import Fact

    run = ours.Run()
    table = Fact._meta.db_table
    rows = ours.read_whole(body)
    ready = _binary(rows)
    other = page(seed=2)
    floors, firsts, replaced, agains, digests, plains, wal = [], [], [], [], [], [], []
    for number in range(ROUNDS):
        _clear(table)
        floors.append(timed(lambda: _copy(table, ready)))
        _clear(table)
        firsts.append(timed(lambda: run.record(body)))
        if len(rows) != Fact.objects.count():
            raise SystemExit("the page's rows are not the table's")
        _sql(f"VACUUM ANALYZE {table}", "CHECKPOINT")
        before = _lsn()
        agains.append(timed(lambda: run.record(body)))
        wal.append(_lsn() - before)
        digests.append(timed(lambda: ours.digests(body)))
        changed = timed(lambda: run.record(other))
        replaced.append(changed)
        if number < 2:
            _plain_table()
            plains.append(timed(lambda: _plain(body)))
    floor = median(floors)
    speed = f"{len(rows) / floor / 1000:,.0f} krows/s floor, {len(rows):,} rows, {len(body) / 1e6:.0f} MB"
    return [
        at_most("B1", "page to facts, empty window, of the COPY floor", median(firsts) / floor, 3, detail=speed),
        at_most("B1", "page to facts, every row replaced, of the floor", median(replaced) / floor, 7),
        at_least("B1", "faster than json + objects + bulk_create", median(plains) / median(firsts), 10),
        at_most("B2", "the same again, compared row by row, of the floor", median(agains) / floor, 4),
        at_most("B2", "its log", max(wal) / len(rows), 5, unit="bytes/row"),
        at_most("B2", "the same again, by digests, of the floor", median(digests) / floor, 1),
    ]


def _clear(table: str) -> None:
    _sql(f"TRUNCATE {table}", "CHECKPOINT")


def _sql(*statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _lsn() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def _binary(rows: list[tuple[Any, ...]]) -> bytes:
    """Rows in PostgreSQL's binary COPY form, made before the clock starts."""
    import struct

    epoch = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    one = struct.Struct("!h" + "iq" * 9)
    made = bytearray(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    for start, *numbers in sorted(rows):
        micros = int((start - epoch).total_seconds()) * 1_000_000
        made += one.pack(9, *(part for value in (micros, *numbers) for part in (8, value)))
    return bytes(made + b"\xff\xff")


def _copy(table: str, ready: bytes) -> None:
    from django.db import connection, transaction

    from costwatch.ledger.store.tables import FACT

    with transaction.atomic(), connection.cursor() as cursor:
        columns = ", ".join(FACT.columns)
        with cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            for offset in range(0, len(ready), 2**20):
                copy.write(ready[offset : offset + 2**20])


def _plain_model() -> Any:
    from django.apps import apps
    from django.db import models

    from costwatch.ledger.models import COUNTS

    if "plainusage" in apps.all_models["ledger"]:
        return apps.all_models["ledger"]["plainusage"]
    fields: dict[str, Any] = {name: models.CharField(max_length=64) for name in TEXT}
    fields |= {name: models.BigIntegerField() for name in COUNTS}
    unique = models.UniqueConstraint(fields=["bucket_start", *TEXT], name="plain_usage_once")
    meta = type("Meta", (), {"app_label": "ledger", "constraints": [unique]})
    return type(
        "PlainUsage",
        (models.Model,),
        {"__module__": __name__, "Meta": meta, "bucket_start": models.DateTimeField(), **fields},
    )


def _plain_table() -> None:
    from django.db import connection

    model = _plain_model()
    _sql(f"DROP TABLE IF EXISTS {model._meta.db_table}")
    with connection.schema_editor() as editor:
        editor.create_model(model)
    _sql("CHECKPOINT")


def _plain(body: bytes) -> None:
    """What a Django team would write first: json, a model object a row, bulk_create with update_conflicts."""
    from costwatch.ledger.models import COUNTS

    model = _plain_model()
    objects = []
    for bucket in json.loads(body)["data"]:
        start = datetime.fromisoformat(bucket["starting_at"])
        for row in bucket["results"]:
            objects.append(
                model(
                    bucket_start=start,
                    **{name: row.get(name) or "" for name in TEXT},
                    uncached_input_tokens=row["uncached_input_tokens"],
                    ephemeral_5m_input_tokens=row["cache_creation"]["ephemeral_5m_input_tokens"],
                    ephemeral_1h_input_tokens=row["cache_creation"]["ephemeral_1h_input_tokens"],
                    cache_read_input_tokens=row["cache_read_input_tokens"],
                    output_tokens=row["output_tokens"],
                    web_search_requests=row["server_tool_use"]["web_search_requests"],
                )
            )
    model.objects.bulk_create(
        objects,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["bucket_start", *TEXT],
        update_fields=list(COUNTS),
    )


if __name__ == "__main__":
    print(*main(), sep="\n")
