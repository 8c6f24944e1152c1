"""B11: 400 days of hours from a vendor that takes 100 ms to answer: the base chain in four slices, against its latency.

The vendor is a process of its own, which has every hour made beforehand. The floor is what four slices wait for it:
requests x 100 ms / 4. Priced without context windows, so that the base chain is the only one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from bench.harness import ROOT, Line, at_most, database, median

LATENCY = 0.1
DAYS, ROWS, SLICES = 400, 4, 4
FIRST = datetime(2025, 10, 16, tzinfo=UTC)
ROUNDS = 3


def main() -> list[Line]:
    os.environ |= {"COSTWATCH_NOW": "2026-11-20T14:05:00Z", "COSTWATCH_ADMIN_KEY": "sk-ant-admin01-bench"}
    with _vendor() as url:
        os.environ |= {"COSTWATCH_UPSTREAM_URL": url, "COSTWATCH_BACKFILL_SINCE": str(FIRST.date())}
        with database():
            from django.conf import settings

            settings.UPSTREAM_URL = url
            return _measure()


def _measure() -> list[Line]:
    from bench.page_to_facts import organization
    from costwatch.ingest import usage
    from costwatch.ingest.connect import Connection, client
    from costwatch.ingest.order import Order
    from costwatch.ingest.sync import sync
    from costwatch.ledger.models import Fact
    from pricing.table import PriceTable

    PriceTable.depends_on_context = lambda *_: False  # type: ignore[method-assign]
    whole = Order(since=FIRST.date(), until=FIRST.date() + timedelta(days=DAYS))
    owner = organization()
    owner.reads_speed = False
    owner.save()
    with client() as opened:

        def once() -> tuple[float, int]:
            before, began = opened.traffic.requests, time.perf_counter()
            run = sync(Connection(opened, owner), "usage", whole)
            if run is None or run.outcome != "succeeded":
                raise SystemExit(f"the run failed: {run and run.error}")
            return time.perf_counter() - began, opened.traffic.requests - before

        record = usage.Recorder.record
        usage.Recorder.record = lambda *_: None  # type: ignore[method-assign,assignment]
        read = [once() for _ in range(ROUNDS)]
        usage.Recorder.record = record  # type: ignore[method-assign]
        recorded, requests = once()
    floor = requests * LATENCY / SLICES
    seconds = median([one[0] for one in read])
    facts = Fact.objects.count()
    told = f"{requests} requests, floor {floor:.2f} s, {seconds:.2f} s"
    whole_way = f"{recorded:.1f} s for {facts:,} facts of {DAYS * 24:,} hours, {recorded / floor:.3g}x"
    return [
        at_most("B11", "400 days of hours at 100 ms, read", seconds / floor, 1.4, detail=told),
        Line("B11", "the same, recorded and priced too", "shown", whole_way),
    ]


@contextmanager
def _vendor() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.history", "vendor"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def serve() -> None:
    """The vendor's side: hours made beforehand, an answer every 100 ms a connection."""
    from bench.report_pages import page

    inner = page(DAYS * 24 + 48, ROWS, ROWS, start=FIRST)
    hours = _hours(inner)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(LATENCY)
            asked = parse_qs(urlsplit(self.path).query)
            first = datetime.fromisoformat(asked["starting_at"][0])
            last = datetime.fromisoformat(asked["ending_at"][0])
            begins, ends = (int((one - FIRST).total_seconds() // 3600) for one in (first, last))
            body = b'{"data":[%s],"has_more":false,"next_page":null}' % b",".join(hours[begins:ends])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def _hours(body: bytes) -> list[bytes]:
    return [bytes(one) for one in msgspec.json.decode(body, type=_Page).data]


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


if __name__ == "__main__":
    if sys.argv[1:] == ["vendor"]:
        serve()
    else:
        print(*main(), sep="\n")
