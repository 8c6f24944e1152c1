"""B5: pricing 1 M hour facts through the day rollup, beside LiteLLM and genai-prices a call a fact.

40 days of 2,000 series, about 1,040 facts an hour: a day row holds 12 or 13 of them. The charges must come to the same
pico-dollar from SQLite, from PostgreSQL, and in memory, one fact at a time. The peers are asked with the same
counts; neither takes a tier or a geography in this form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import groupby
from operator import itemgetter
from typing import Any

from bench.harness import ROOT, Line, at_least, database, median, postgres

FACTS, DAYS = 1_000_000, 40
PEER_CALLS = 3000
ROUNDS = 3


def main() -> list[Line]:
    with postgres() as url:
        found = {"PostgreSQL": _apart("measure", url), "SQLite": _apart("measure", "")}
    totals = {one["total"] for one in found.values()} | {one["in_memory"] for one in found.values()}
    peers = _apart("peers", "")
    lines = [
        Line(
            "B5",
            "total of 1 M facts on PostgreSQL, SQLite and in memory",
            "equal to the pico-dollar",
            f"{found['SQLite']['total']} pico-dollars" if len(totals) == 1 else f"differ: {sorted(totals)}",
            len(totals) == 1,
        )
    ]
    for store, one in found.items():
        fact = f"{one['seconds'] / one['facts'] * 1e9:,.0f} ns a fact, {one['rows']:,} day rows"
        for peer in ("LiteLLM", "genai-prices"):
            ratio = peers[peer] / (one["seconds"] / one["facts"])
            told = f"{fact}; {peers[peer] * 1e6:,.0f} us a call"
            lines.append(
                at_least("B5", f"per fact, faster than {peer}, day counts of {store}", ratio, 1000, detail=told)
            )
    return lines


def _apart(kind: str, url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.pricing_peers", kind, url]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(url: str) -> dict[str, Any]:
    """Price a company's day rows again and again; then every fact by itself, for the truth."""
    from costwatch import clock

    with clock.frozen("2026-11-20T14:05:00Z"), database(url):
        from bench.company import build
        from costwatch.ledger import prices as ledger_prices
        from costwatch.ledger.models import COUNTS, Fact, Series, SeriesDay
        from costwatch.ledger.rollup import PRICED_BY
        from costwatch.money import ExactSum
        from pricing.calculate import charge

        build(FACTS, days=DAYS)
        table = ledger_prices.publish().table
        series = {row[0]: row[1:] for row in Series.objects.values_list("pk", *PRICED_BY)}
        days = list(SeriesDay.objects.order_by("day").values_list("day", "series_id", *COUNTS))

        def priced(rows: Any) -> int:
            total = 0
            for day, of_day in groupby(rows, key=itemgetter(0)):
                rates = table.on(day)
                for row in of_day:
                    total += charge(rates[series[row[1]]], row[2:]).low
            return total

        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            total = priced(days)
            times.append(time.perf_counter() - began)
        stored = SeriesDay.objects.aggregate(low=ExactSum("list_low"))["low"]
        facts = Fact.objects.order_by("bucket_start").values_list("bucket_start", "series_id", *COUNTS)
        if total != stored:
            raise SystemExit(f"the rows were charged {stored}, pricing them says {total}")
        return {
            "total": stored,
            "in_memory": priced(facts.iterator(chunk_size=20_000)),
            "seconds": median(times),
            "facts": Fact.objects.count(),
            "rows": len(days),
        }


def peers() -> dict[str, float]:
    """Seconds a call of each peer, on the models it knows."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import random

    import litellm
    from genai_prices import Usage, calc_price

    from bench.report_pages import counts

    chance = random.Random(1)
    asked = [counts(chance) for _ in range(PEER_CALLS)]

    def by_litellm(uncached: int, hourly: int, short: int, cached: int, output: int, _: int) -> None:
        litellm.cost_per_token(
            model="claude-opus-4-5-20251101",
            prompt_tokens=uncached + hourly + short + cached,
            completion_tokens=output,
            cache_creation_input_tokens=hourly + short,
            cache_read_input_tokens=cached,
        )

    def by_genai(uncached: int, hourly: int, short: int, cached: int, output: int, _: int) -> None:
        made = Usage(
            input_tokens=uncached + hourly + short + cached,
            cache_write_tokens=hourly + short,
            cache_read_tokens=cached,
            output_tokens=output,
        )
        calc_price(made, model_ref="claude-opus-4-5-20251101", provider_id="anthropic")

    found = {}
    for name, ask in (("LiteLLM", by_litellm), ("genai-prices", by_genai)):
        ask(*asked[0])
        began = time.perf_counter()
        for one in asked:
            ask(*one)
        found[name] = (time.perf_counter() - began) / PEER_CALLS
    return found


if __name__ == "__main__":
    kind, *rest = sys.argv[1:] or ["all"]
    if kind == "measure":
        print(json.dumps(measure(rest[0])))
    elif kind == "peers":
        print(json.dumps(peers()))
    else:
        print(*main(), sep="\n")
