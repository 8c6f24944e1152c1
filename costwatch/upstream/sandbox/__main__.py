"""`python -m costwatch.upstream.sandbox`: serve the sandbox organization until interrupted."""

import argparse
import contextlib
import threading
from datetime import datetime

from costwatch import clock
from costwatch.upstream.sandbox.faults import KINDS
from costwatch.upstream.sandbox.server import SandboxServer


def main(arguments: list[str] | None = None) -> int:
    """Serve the sandbox on loopback, print its address and key, and wait."""
    parser = argparse.ArgumentParser(prog="python -m costwatch.upstream.sandbox", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--now", type=clock.parse, help="freeze its time, such as 2026-11-19T14:05:00Z")
    parser.add_argument("--anchor", type=clock.parse, help="the day its story is told from (default: its time)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=int, default=1, help="multiplies the keys, for load tests")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument(
        "--faults", action="append", default=[], help=f"'weather', or KIND[:PROBABILITY] of {', '.join(KINDS)}"
    )
    given = parser.parse_args(arguments)
    frozen: datetime | None = given.now
    server = SandboxServer(
        given.anchor or frozen or clock.now(),
        seed=given.seed,
        port=given.port,
        latency=given.latency / 1000,
        now=(lambda: frozen) if frozen else None,
        scale=given.scale,
    )
    try:
        add_faults(server, given.faults)
    except ValueError as error:
        parser.error(str(error))
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"sandbox   {server.url}\nadmin key {server.admin_key}", flush=True)
        threading.Event().wait()
    return 0


def add_faults(server: SandboxServer, orders: list[str]) -> None:
    """Script the faults of the command line. Raises: ValueError."""
    for order in orders:
        kind, _, probability = order.partition(":")
        if kind == "weather":
            server.faults.weather()
        else:
            server.faults.add(kind, times=None, probability=float(probability) if probability else None)


if __name__ == "__main__":
    raise SystemExit(main())
