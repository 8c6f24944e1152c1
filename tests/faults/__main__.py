"""`python -m tests.faults`: crash loops on the command line; exit 1 on any difference."""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import django

SHAPES = ("up", "workers")


def main() -> int:
    """Run the loops that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--days", type=int, default=90, help="the length of the history")
    parser.add_argument("--shape", choices=SHAPES, help="default: by turns")
    parser.add_argument("--latency", type=int, default=50, help="milliseconds before each answer of the vendor")
    given = parser.parse_args()
    django.setup()
    from tests.faults.loop import Bench, plan
    from tests.faults.shapes import Shape, Up, Workers
    from tests.servers import postgres, redis

    began, differences = time.monotonic(), 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="costwatch-faults-")))
        folder.chmod(0o755)
        bench = Bench(folder, given.days, latency=given.latency)
        stack.callback(bench.end)
        cluster = stack.enter_context(postgres(folder)) if given.shape != "up" else None
        broker = stack.enter_context(redis(folder)) if given.shape != "up" else None
        for seed in range(given.seed, given.seed + given.seeds):
            place, shape = folder / f"{given.shape or SHAPES[seed % 2]}{seed}", given.shape or SHAPES[seed % 2]
            made: Shape
            if shape == "up":
                made = Up(place, bench.environment)
            else:
                if cluster is None or broker is None:
                    print("NOT TESTED: PostgreSQL is missing here", flush=True)
                    continue
                made = Workers(place, bench.environment, broker, cluster)
            found = bench.loop(made, seed, plan(seed, given.kills, made.victims), patience=1800)
            for line in found[:20]:
                print(f"seed {seed}, {shape}: {line}", flush=True)
            differences += len(found)
    print(f"{given.seeds} seeds, {differences} differences, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if differences else 0


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    sys.exit(main())
