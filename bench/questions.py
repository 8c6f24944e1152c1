"""B6, B7, B8: the questions pages ask, at 1 M and 10 M hour facts, on PostgreSQL and SQLite, beside DuckDB and raw SQL.

Every panel is the product's own function. Its sums must equal raw SQL over the facts, and DuckDB's over the same facts
in its own columnar format. B8 changes two hours of a settled day and times the rollups that follow.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.harness import ROOT, Line, at_most, database, median, p95, postgres

SIZES = (1_000_000, 10_000_000)
ROUNDS, ROUNDS_OF_POLLS = 20, 7
TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)
NOVEMBER = date(2026, 11, 1)
# since, interval, dimensions, filter on the key
PANELS: dict[str, tuple[date, str, tuple[str, ...], str]] = {
    "month to date by workspace": (NOVEMBER, "total", ("workspace_id",), ""),
    "30 days by day and model": (TODAY - 30 * DAY, "day", ("model",), ""),
    "90 days by workspace and model": (TODAY - 90 * DAY, "total", ("workspace_id", "model"), ""),
    "365 days by month and workspace": (TODAY - 365 * DAY, "month", ("workspace_id",), ""),
    "30 days by day, one key": (TODAY - 30 * DAY, "day", (), "apikey_005"),
}
COUNTS = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "web_search_requests",
)
Answer = dict[tuple[str, ...], tuple[int, ...]]


def main() -> list[Line]:
    lines: list[Line] = []
    slowest: dict[str, dict[int, float]] = {"PostgreSQL": {}, "SQLite": {}}
    panels: dict[tuple[str, str, int], float] = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
            facts = Path(folder) / "facts.csv"
            with postgres() as url:
                ours = {"PostgreSQL": _apart("measure", size, url, str(facts))}
            ours["SQLite"] = _apart("measure", size, "", "")
            columnar = _apart("duckdb", size, str(facts), folder)
        for store, found in ours.items():
            for name in PANELS:
                if found["answers"][name] != columnar["answers"][name]:
                    raise SystemExit(f"{store}, {name}: DuckDB has another answer")
                panels[store, name, size] = found["p95"][name]
            slowest[store][size] = max(found["p95"][name] for name in PANELS)
            where = f"{size // 10**6} M facts, {store}"
            worst = max(PANELS, key=lambda name: found["p95"][name])
            lines.append(at_most("B6", f"slowest panel, p95, {where}", slowest[store][size], 50, "ms", worst))
            shares = {name: found["p95"][name] / columnar["p95"][name] for name in PANELS}
            worst = max(shares, key=lambda name: shares[name])
            lines.append(at_most("B6", f"slowest beside DuckDB, {where}", shares[worst], 1, detail=worst))
            for name, value in found["pages"].items():
                lines.append(Line("B6", f"{name}, p95, {where}", "", f"{value:.0f} ms"))
            if size == SIZES[-1]:
                lines.append(at_most("B8", f"rollups after a poll, {where}", found["poll"], 150, "ms"))
    for store in slowest:
        growth = {name: panels[store, name, SIZES[1]] / panels[store, name, SIZES[0]] for name in PANELS}
        worst = max(growth, key=lambda name: growth[name])
        lines.append(at_most("B7", f"growth of p95 for 10x facts, {store}", growth[worst], 4, detail=worst))
    return lines


def _apart(*arguments: Any) -> Any:
    """A measurement in a process of its own: Django is configured once in each."""
    command = [sys.executable, "-m", "bench.questions", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(size: int, url: str, export: str) -> dict[str, Any]:
    """Build a company, ask every panel, check it against raw SQL, and time a poll's rollups."""
    from costwatch import clock

    with clock.frozen("2026-11-20T14:05:00Z"), database(url):
        from bench.company import build

        build(size)
        if url:
            _sql("VACUUM ANALYZE")
            _export(export)
        else:
            _sql("ANALYZE")
        answers: dict[str, Any] = {}
        times: dict[str, float] = {}
        for name, panel in PANELS.items():
            answer = _asked(*panel)
            if answer != _raw(*panel):
                raise SystemExit(f"{name}: raw SQL has another answer")
            answers[name] = _told(answer)
            times[name] = p95([_milliseconds(lambda panel=panel: _asked(*panel)) for _ in range(ROUNDS)])
        return {"answers": answers, "p95": times, "pages": dict(_pages()), "poll": _poll()}


def _asked(since: date, interval: str, dims: tuple[str, ...], key: str) -> Answer:
    from costwatch.insights import cells
    from costwatch.insights.query import Query, period_name

    query = Query(since, TODAY, interval, dims, {"api_key_id": (key,)} if key else {})
    answer: dict[tuple[str, ...], list[int]] = {}
    for cell in cells.usage_cells(query, cells.prices_of(query)):
        sums = answer.setdefault((period_name(cell.moment, interval), *cell.dims), [0] * 6)
        for index, count in enumerate(cell.counts):
            sums[index] += count
    return {group: tuple(sums) for group, sums in answer.items()}


def _question(since: date, interval: str, dims: tuple[str, ...], key: str, period: dict[str, str]) -> str:
    """The panel as raw SQL over facts and series."""
    by = [period[interval], *(f"s.{name}" for name in dims)]
    sums = ", ".join(f"sum({name})" for name in COUNTS)
    where = f"f.bucket_start >= '{since} 00:00:00' AND f.bucket_start < '{TODAY} 00:00:00'"
    where += f" AND s.api_key_id = '{key}'" if key else ""
    grouped = ", ".join(str(index + 1) for index in range(len(by)))
    return (
        f"SELECT {', '.join(by)}, {sums} FROM ledger_fact f JOIN ledger_series s ON s.id = f.series_id "
        f"WHERE {where} GROUP BY {grouped}"
    )


def _raw(*panel: Any) -> Answer:
    from django.db import connection

    start = "f.bucket_start AT TIME ZONE 'UTC'" if connection.vendor == "postgresql" else "f.bucket_start"
    text = "to_char(%s, 'YYYY-MM-DD')" if connection.vendor == "postgresql" else "strftime('%%Y-%%m-%%d', %s)"
    day = text % start
    if connection.vendor == "sqlite":
        day = day.replace("%%", "%")
    period = {"total": "''", "day": day, "month": f"substr({day}, 1, 7)"}
    with connection.cursor() as cursor:
        cursor.execute(_question(*panel, period))
        return _answer(cursor.fetchall(), len(panel[2]) + 1)


def _answer(rows: Any, width: int) -> Answer:
    return {tuple(map(str, row[:width])): tuple(int(count) for count in row[width:]) for row in rows}


def _told(answer: Answer) -> list[Any]:
    """An answer as JSON can carry it and another process compare it."""
    return sorted([list(group), list(sums)] for group, sums in answer.items())


def _pages() -> Iterator[tuple[str, float]]:
    """Whole pages, by the test client: every panel, the table, the frame, the template."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_user("bench"))
    for name, path in (("Overview, whole page", "/"), ("Workspace, whole page", "/workspaces/wrkspc_03/")):
        client.get(path)
        times = []
        for _ in range(7):
            began = time.perf_counter()
            answer = client.get(path)
            times.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{path} answered {answer.status_code}")
        yield name, p95(times)


def _poll() -> float:
    """Change every fact of two hours of a day, again and again. Shape: the rollups' median in milliseconds."""
    from django.db import transaction

    from costwatch import clock
    from costwatch.directory.models import Organization
    from costwatch.ledger import prices as ledger_prices
    from costwatch.ledger.rollup import refresh_days
    from costwatch.ledger.store import store
    from costwatch.ledger.store.tables import FACT

    owner, prices = Organization.objects.get().pk, ledger_prices.publish()
    first = clock.midnight(date(2026, 11, 18)) + 10 * clock.HOUR
    times = []
    for _ in range(ROUNDS_OF_POLLS):
        with transaction.atomic():
            before = store().existing(FACT, owner, [first, first + clock.HOUR])
            changed = {
                hour: {one: (values[0] + 1, *values[1:]) for one, values in rows.items()}
                for hour, rows in before.items()
            }
            store().replace(FACT, owner, changed, (2,))
            began = time.perf_counter()
            refresh_days(organization_id=owner, days=[first.date()], prices=prices)
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


def duckdb_answers(size: int, facts: str, folder: str) -> dict[str, Any]:
    """The same panels over the same facts in DuckDB's own format, by as many threads as there are cores."""
    import duckdb

    with duckdb.connect(str(Path(folder) / "facts.duckdb")) as columnar:
        columnar.execute(f"CREATE TABLE ledger_fact AS SELECT * FROM read_csv('{facts}', header=true)")
        columnar.execute(f"CREATE TABLE ledger_series AS SELECT * FROM read_csv('{facts}.series', header=true)")
        if columnar.execute("SELECT count(*) FROM ledger_fact").fetchone()[0] < size * 0.9:
            raise SystemExit("DuckDB was to have every fact")
        day = "strftime(f.bucket_start, '%Y-%m-%d')"
        period = {"total": "''", "day": day, "month": f"substr({day}, 1, 7)"}
        answers, times = {}, {}
        for name, panel in PANELS.items():
            sql = _question(*panel, period)
            answers[name] = _told(_answer(columnar.execute(sql).fetchall(), len(panel[2]) + 1))
            times[name] = p95([_milliseconds(lambda sql=sql: columnar.execute(sql).fetchall()) for _ in range(ROUNDS)])
    return {"answers": answers, "p95": times}


def _export(path: str) -> None:
    from django.db import connection

    moment, counts = "bucket_start AT TIME ZONE 'UTC' AS bucket_start", ", ".join(COUNTS)
    sources = {
        path: f"SELECT {moment}, series_id, {counts} FROM ledger_fact",
        f"{path}.series": "SELECT id, api_key_id, workspace_id, model FROM ledger_series",
    }
    with connection.cursor() as cursor:
        for file, query in sources.items():
            with (
                Path(file).open("wb") as out,
                cursor.cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy,
            ):
                for block in copy:
                    out.write(block)


def _sql(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    kind, *rest = sys.argv[1:] or ["all"]
    if kind == "measure":
        print(json.dumps(measure(int(rest[0]), rest[1], rest[2])))
    elif kind == "duckdb":
        print(json.dumps(duckdb_answers(int(rest[0]), rest[1], rest[2])))
    else:
        print(*main(), sep="\n")
