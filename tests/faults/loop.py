"""One crash loop: a plan from a seed, carried out, and what it came to beside an undisturbed run and the truth."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from costwatch.ingest.failpoints import NAMES
from costwatch.ledger.models import COUNTS
from pricing.money import parse_usd
from tests.faults.shapes import Shape, Up
from tests.servers import free_port
from tests.workers.installation import NOW, Sandbox

TODAY = datetime.fromisoformat(NOW).date()
# From the start of the processes, which need about two seconds until they read.
SOONEST, LATEST = 0.5, 4.5
UPSTREAM = "upstream"
Cells = dict[str, tuple[int | None, ...]]


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: who, how long after the start, and where a process ends itself instead (`name:pass`), if it does."""

    victim: str
    after: float
    failpoint: str = ""

    def __str__(self) -> str:
        return f"{self.victim} at {self.failpoint or f'{self.after:.2f} s'}"


def plan(seed: int, kills: int, victims: tuple[str, ...]) -> list[Kill]:
    """The kills of a seed. Where one process is everything, a third of them are at named failpoints.

    A child is never killed twice in a row: three in a row without progress are a poisonous message, not bad luck.
    """
    chance = random.Random(seed)
    made: list[Kill] = []
    for _ in range(kills):
        last = made[-1].victim if made else ""
        after = chance.uniform(SOONEST, LATEST)
        victim = chance.choice([one for one in (*victims, UPSTREAM) if one not in ("child", UPSTREAM) or one != last])
        at = f"{chance.choice(NAMES)}:{chance.randint(1, 40)}"
        made.append(Kill(victim, after, at if victim == "up" and chance.random() < 1 / 3 else ""))
    return made


def carry_out(kills: list[Kill], shape: Shape, vendor: Sandbox, expected: dict[str, int], seed: int) -> int:
    """Kill and start again, as planned. Shape: how many kills came while the history was still being read."""
    chance, at_work = random.Random(seed), 0
    for one in kills:
        shape.start(one.failpoint)
        time.sleep(LATEST if one.failpoint else one.after)
        at_work += shape.covered() != expected
        if one.victim == UPSTREAM:
            vendor.restart()
        else:
            shape.kill(one.victim, chance)
    return at_work


def wait_until_read(shape: Shape, expected: dict[str, int], seconds: float) -> None:
    """Wait until every bucket is read and nobody is at work. Raises: AssertionError saying what is missing."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if shape.covered() == expected and not shape.is_at_work:
            return
        time.sleep(0.5)
    raise AssertionError(f"after {seconds:.0f} s there are {shape.covered()} of {expected}")


def days(since: date) -> Iterator[date]:
    """The days from the beginning to today."""
    for offset in range((TODAY - since).days + 1):
        yield since + timedelta(days=offset)


def truth(vendor: Sandbox, since: date) -> Cells:
    """What the sandbox knows: workspace x model x day. Units: counts, and money in pico-dollars."""
    found: Cells = {}
    for day in days(since):
        asked = f"truth?since={day}T00:00:00Z&until={day + timedelta(days=1)}T00:00:00Z&group_by=workspace_id,model"
        for row in vendor.asked(asked)["rows"]:
            values = (*(row[name] for name in (*COUNTS, "list_low", "list_high", "unpriced_tokens")), row["reported"])
            if any(values):
                found[f"{day} {row['key']['workspace_id']} {row['key']['model']}"] = values
    return found


def told(shape: Shape, since: date) -> Cells:
    """What the installation tells: the same cells of its report."""
    found: Cells = {}
    asked = ("report", "spend", "--since", str(since), "--until", str(TODAY + timedelta(days=1)))
    rows = shape.installed.json(*asked, "--interval", "day", "--group-by", "workspace_id,model", "--format", "json")
    for row in rows["rows"]:
        money = [parse_usd(row["list_low_usd"]), parse_usd(row["list_high_usd"])]
        values = (*(row[name] for name in COUNTS), *money, row["unpriced_tokens"], _pico(row["reported_usd"]))
        if any(values):
            found[f"{row['period']} {row['workspace_id']} {row['model']}"] = values
    return found


def _pico(amount: str | None) -> int:
    return parse_usd(amount) if amount else 0


def differences(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Where two tellings differ, a line each."""
    return [
        f"{name}: {key}: {ours.get(key)} instead of {theirs.get(key)}"
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]


def compare(shape: Shape, undisturbed: dict[str, dict[str, str]], real: Cells, since: date) -> list[str]:
    """Every difference of an installation from the undisturbed one, and from the truth."""
    tables = shape.tables()
    found = differences("table", dict.fromkeys(tables, ""), dict.fromkeys(undisturbed, ""))
    for name in sorted({*tables, *undisturbed}):
        found += differences(name, tables.get(name, {}), undisturbed.get(name, {}))
    return found + differences("truth", told(shape, since), real)


class Bench:
    """What every loop of one history is measured by: the vendor, an undisturbed run, and the truth."""

    def __init__(self, folder: Path, history: int, *, latency: int) -> None:
        self.since = TODAY - timedelta(days=history)
        self.vendor = Sandbox(free_port(), latency=latency, faults="weather")
        self._folder = folder
        # What bad weather does to a reader is not asked here.
        self.vendor.order("faults", {"clear": True})
        quiet = Up(folder / "undisturbed", self.environment)
        quiet.sync()
        self.expected, self.tables = quiet.covered(), quiet.tables()
        self.truth = truth(self.vendor, self.since)
        found = compare(quiet, self.tables, self.truth, self.since)
        assert not found, found[:5]
        assert len(self.truth) > history

    @property
    def environment(self) -> dict[str, str]:
        """What an installation needs to read this vendor."""
        return {
            "COSTWATCH_UPSTREAM_URL": self.vendor.url,
            "COSTWATCH_ADMIN_KEY": self.vendor.key,
            "COSTWATCH_BACKFILL_SINCE": str(self.since),
        }

    def loop(self, shape: Shape, seed: int, kills: list[Kill], *, patience: float, clears: bool = False) -> list[str]:
        """Carry out a plan in bad weather, wait until all is read, compare. Shape: the differences.

        `clears`: everything starts once more in good weather, so that nothing waits for the next minute's bell.
        """
        print(f"seed {seed}: {', '.join(map(str, kills))}", flush=True)
        began = time.monotonic()
        self.vendor.restart()
        try:
            at_work = carry_out(kills, shape, self.vendor, self.expected, seed)
            if clears:
                self.vendor.order("faults", {"clear": True})
                shape.end()
            shape.start()
            wait_until_read(shape, self.expected, patience)
        finally:
            shape.end()
        self.vendor.order("faults", {"clear": True})
        found = compare(shape, self.tables, self.truth, self.since)
        counted = f"{at_work} of {len(kills)} kills at work, {time.monotonic() - began:.0f} s"
        print(f"seed {seed}: {counted}, {len(found)} differences", flush=True)
        return found

    def end(self) -> None:
        """Stop the vendor."""
        self.vendor.stop()
