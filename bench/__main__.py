"""Every bench in turn, each in a process of its own, and one table of targets and figures.

Run: make bench, or python -m bench [module ...] for some of them. Exits 1 when a target is missed.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time

from bench.harness import ROOT

# In the order of the table.
MODULES = (
    "ingest_postgres",
    "unchanged_poll",
    "minute_poll",
    "parser_memory",
    "ingest_sqlite",
    "pricing_peers",
    "questions",
    "pages_and_charts",
    "limits_page",
    "history",
    "memory",
)


def main() -> int:
    chosen = sys.argv[1:] or list(MODULES)
    if unknown := sorted(set(chosen) - set(MODULES)):
        print(f"there is no bench named {', '.join(unknown)}; there are {', '.join(MODULES)}", file=sys.stderr)
        return 2
    rows: list[str] = []
    failed = False
    for name in chosen:
        began = time.monotonic()
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
        failed |= done.returncode != 0
        rows += [line for line in done.stdout.splitlines() if line.startswith("| ")]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print("| bench | what | target | measured | |")
    print("|---|---|---|---|---|")
    print(*rows, sep="\n")
    return int(failed or any("| MISSED |" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
