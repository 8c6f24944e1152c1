"""What every bench needs: medians, a table of target and measured, a temporary PostgreSQL, a configured Django."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
# As an operator would set a small server up; fsync stays on.
SERVER = {
    "max_connections": "40",
    "shared_buffers": "2GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was measured, how it should come out, how it did."""

    bench: str
    what: str
    target: str
    measured: str
    met: bool | None = None

    def __str__(self) -> str:
        mark = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"| {self.bench} | {self.what} | {self.target} | {self.measured} | {mark} |"


def at_most(bench: str, what: str, value: float, bound: float, unit: str = "x", detail: str = "") -> Line:
    """A line that is met when a value stays within a bound."""
    return Line(bench, what, f"<= {bound:g}{_spaced(unit)}", _told(value, unit, detail), value <= bound)


def at_least(bench: str, what: str, value: float, bound: float, unit: str = "x", detail: str = "") -> Line:
    """A line that is met when a value reaches a bound."""
    return Line(bench, what, f">= {bound:g}{_spaced(unit)}", _told(value, unit, detail), value >= bound)


def _told(value: float, unit: str, detail: str) -> str:
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number}{_spaced(unit)}" + (f" ({detail})" if detail else "")


def _spaced(unit: str) -> str:
    return unit if unit in ("", "x") else f" {unit}"


def timed(work: Callable[[], Any]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def p95(values: list[float]) -> float:
    """The 95th percentile, nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


@contextmanager
def postgres() -> Iterator[str]:
    """A temporary cluster on a socket in a temporary folder. Shape: its URL."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        Path(folder).chmod(0o755)
        with servers.postgres(Path(folder), SERVER) as server:
            if server is None:
                raise SystemExit("PostgreSQL's server programs are missing (on Debian: apt-get install postgresql)")
            yield server.url


@contextmanager
def database(url: str = "") -> Iterator[None]:
    """Django on an empty database: the given one, or SQLite in a temporary folder. Once in a process."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        os.environ |= {
            "COSTWATCH_DATA_DIR": folder,
            "COSTWATCH_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        }
        os.environ.pop("DATABASE_URL", None)
        if url:
            os.environ["DATABASE_URL"] = url
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


__all__ = ["ROOT", "Line", "at_least", "at_most", "database", "median", "p95", "postgres", "timed"]
