"""How fast prices are worked out: rows per second in a loop, lines per second through the command line.

Run: python bench/pricing_rate.py [lines]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date, timedelta
from itertools import cycle, islice, product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pricing.calculate import charge  # noqa: E402
from pricing.table import load  # noqa: E402

MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-sonnet-4-5", "claude-opus-4-8", "unknown")
TIERS = ("standard", "batch", "priority", None)
GEOS = ("global", "us", "not_available", None)
SPEEDS = ("standard", "fast", None)
DAYS = [date(2026, 8, 1) + timedelta(days=offset) for offset in range(100)]
COUNTS = (123_456, 2_000, 3_000, 40_000_000, 5_678, 2)
TOKEN_KEYS = ("uncached_input", "cache_5m", "cache_1h", "cache_read", "output")


def rows_per_second(rows: int) -> float:
    """Rows priced per second by one core, resolving included."""
    table = load()
    questions = list(islice(cycle(product(MODELS, DAYS, TIERS, ("0-200k", None), GEOS, SPEEDS)), rows))
    began = time.perf_counter()
    for model, day, tier, context, geo, speed in questions:
        charge(table.resolve(model, day, tier, context, geo, speed), COUNTS)
    return rows / (time.perf_counter() - began)


def lines_per_second(lines: int) -> float:
    """Lines answered per second by the command, its start included."""
    questions = islice(cycle(product(MODELS, DAYS, TIERS, ("0-200k", None), GEOS, SPEEDS)), lines)
    text = "\n".join(_line(*question) for question in questions) + "\n"
    began = time.perf_counter()
    command = [sys.executable, "-m", "pricing", "quote"]
    answered = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout
    elapsed = time.perf_counter() - began
    if answered.count(b"\n") != lines:
        raise SystemExit(f"{lines} lines in, {answered.count(bytes([10]))} out")
    return lines / elapsed


def _line(model: str, day: date, tier: str | None, context: str | None, geo: str | None, speed: str | None) -> str:
    question = {"id": f"{model} {day}", "model": model, "date": day.isoformat(), "service_tier": tier}
    tokens = dict(zip(TOKEN_KEYS, COUNTS, strict=False))
    rest = {"context_window": context, "inference_geo": geo, "speed": speed, "tokens": tokens}
    return json.dumps({**question, **rest, "web_search_requests": COUNTS[-1]})


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    print(f"rows/s   {rows_per_second(size * 4):>10,.0f}")
    print(f"lines/s  {lines_per_second(size):>10,.0f}")
