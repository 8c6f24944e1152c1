"""B4: facts into SQLite, first and overwritten, beside a plain insert without a key and Django's bulk_create."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.harness import Line, at_least, at_most, database, median, timed
from bench.report_pages import START, counts

HOURS, SERIES = 200, 500
ROUNDS = 5


def main() -> list[Line]:
    with database():
        return _measure()


def _measure() -> list[Line]:
    from django.db import transaction

    from bench.page_to_facts import organization
    from costwatch.ledger.dimensions import UsageDims
    from costwatch.ledger.intern import Interned
    from costwatch.ledger.models import COUNTS, Fact
    from costwatch.ledger.store import store
    from costwatch.ledger.store.tables import FACT

    owner = organization().pk
    named = [UsageDims(f"apikey_{number}", "default", "claude-opus-5-5", "standard") for number in range(SERIES)]
    ids = list(Interned(owner).usage(named).values())
    chance = random.Random(3)
    first, second = (
        {START + timedelta(hours=hour): {one: counts(chance) for one in ids} for hour in range(HOURS)} for _ in range(2)
    )
    flat = [(start, one, *values, 1) for start, rows in first.items() for one, values in rows.items()]
    texts = [(start.strftime("%Y-%m-%d %H:%M:%S"), *rest) for start, *rest in flat]

    def replace(wanted: Any) -> None:
        with transaction.atomic():
            store().replace(FACT, owner, wanted, (1,))

    def plain() -> None:
        with transaction.atomic():
            Fact.objects.bulk_create(
                [
                    Fact(bucket_start=row[0], series_id=row[1], run=1, **dict(zip(COUNTS, row[2:8], strict=True)))
                    for row in flat
                ],
                update_conflicts=True,
                unique_fields=["bucket_start", "series_id"],
                update_fields=[*COUNTS, "run"],
            )

    floors, firsts, agains, overwrites, plains = [], [], [], [], []
    for number in range(ROUNDS):
        floors.append(_floor(texts))
        Fact.objects.all().delete()
        firsts.append(timed(lambda: replace(first)))
        agains.append(timed(lambda: replace(first)))
        overwrites.append(timed(lambda: replace(second)))
        if number < 2:
            Fact.objects.all().delete()
            plains.append(timed(plain))
    floor = median(floors)
    speed = f"{len(flat) / floor / 1000:,.0f} krows/s floor, {len(flat):,} rows"
    return [
        at_most("B4", "SQLite: new rows, of an insert without a key", median(firsts) / floor, 2.5, detail=speed),
        at_most("B4", "SQLite: the same rows again, of the same", median(agains) / floor, 2.5),
        Line("B4", "SQLite: every row overwritten, of the same", "", f"{median(overwrites) / floor:.3g}x"),
        at_least("B4", "faster than bulk_create(update_conflicts)", median(plains) / median(firsts), 10),
    ]


def _floor(rows: list[tuple[Any, ...]]) -> float:
    with tempfile.TemporaryDirectory() as folder, sqlite3.connect(Path(folder) / "floor.sqlite3") as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=NORMAL")
        plain.execute(f"CREATE TABLE fact ({', '.join(f'c{index}' for index in range(len(rows[0])))})")
        marks = ", ".join("?" * len(rows[0]))

        def insert() -> None:
            with plain:
                plain.executemany(f"INSERT INTO fact VALUES ({marks})", rows)

        return timed(insert)


if __name__ == "__main__":
    print(*main(), sep="\n")
