"""A day of polls, every three minutes, while the vendor restates: polite, quick to see changes, exact at the end."""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum

from costwatch import clock
from costwatch.clock import HOUR
from costwatch.ingest import tasks
from costwatch.ingest.models import Coverage, Run
from costwatch.ledger.models import COUNTS, Fact
from costwatch.upstream.sandbox.restate import CHANGES
from costwatch.upstream.sandbox.server import SandboxServer
from tests.ingest import test_sync
from tests.ingest.test_sync import assert_equals_truth

BEGINS, ENDS = datetime(2026, 11, 19, 14, 5, tzinfo=UTC), datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
SINCE = date(2026, 11, 17)
MINUTE = timedelta(minutes=1)
TICK, SEEN = 3 * MINUTE, 15 * MINUTE
SEED = 7

pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class Day:
    """What happened in the day: questions by hour and endpoint, and how long each restatement took to be seen."""

    pages: Counter[str] = field(default_factory=Counter)
    ticks: list[tuple[datetime, Counter[str]]] = field(default_factory=list)
    waiting: dict[datetime, datetime] = field(default_factory=dict)
    seen_after: list[timedelta] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)


def counts_of(hour: datetime) -> tuple[int, ...]:
    sums = Fact.objects.filter(bucket_start=hour).aggregate(**{name: Sum(name) for name in COUNTS})
    return tuple(sums[name] or 0 for name in COUNTS)


def truth_of(sandbox: SandboxServer, hour: datetime) -> tuple[int, ...]:
    found = sandbox.truth.totals(hour, hour + HOUR)
    return found[()].counts if found else (0,) * 6


def restate(sandbox: SandboxServer, chance: random.Random, now: datetime, day: Day) -> None:
    """Change one random hour of the last 48, in each of the four ways by turns."""
    change = CHANGES[day.changes.total() % len(CHANGES)]
    hour = clock.floor_hour(now - HOUR) - HOUR * chance.randrange(46)
    sandbox.restate(hour, change=change)
    day.changes[change] += 1
    day.waiting.setdefault(hour, now)


@pytest.fixture
def tick(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """One ring at a moment, with everything it leads to, as workers would do it."""
    rung: deque[tuple[Any, tuple[Any, ...]]] = deque()
    for task in (tasks.run_source, tasks.meet, tasks.reprice):
        monkeypatch.setattr(task, "delay", lambda *given, task=task: rung.append((task, given)))

    def once(now: datetime) -> None:
        monkeypatch.setenv("COSTWATCH_NOW", clock.rfc3339(now))
        tasks.ring()
        while rung:
            task, given = rung.popleft()
            task(*given)

    return once


def test_ing_12_ing_04_a_day_of_restatements_is_followed_politely_and_ends_exact(
    tick: Callable[[datetime], None], upstream: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The soak, compressed by the clock: 480 ticks, and 24 restatements of random hours up to 48 h back."""
    settings.BACKFILL_SINCE = SINCE.isoformat()
    monkeypatch.setattr(test_sync, "SINCE", SINCE)
    for _ in range(3):
        tick(BEGINS)
    upstream.requests.clear()
    chance, day = random.Random(SEED), Day()
    now, at = BEGINS, [chance.randrange(57) for _ in range(24)]
    while now < ENDS:
        now += TICK
        if at[now.hour] <= now.minute < at[now.hour] + TICK // MINUTE:
            restate(upstream, chance, now, day)
        tick(now)
        _count(upstream, now, day)
        for hour, since in list(day.waiting.items()):
            if counts_of(hour) == truth_of(upstream, hour):
                day.seen_after.append(now - since)
                del day.waiting[hour]

    assert all(day.changes[change] >= 4 for change in CHANGES), day.changes
    assert Run.objects.exclude(outcome=Run.Outcome.SUCCEEDED).count() == 0
    assert Coverage.objects.filter(state="inconsistent").count() == 0
    late = [after for after in [*day.seen_after, *(now - since for since in day.waiting.values())] if after > SEEN]
    assert {"seen late": late, **_impolite(day)} == {"seen late": [], "busiest hour": {}, "day": {}}

    # What the day held, as soon as the slowest of the newest has been read once more.
    tick(now + HOUR + MINUTE)
    for grouping in ((), ("workspace_id", "model"), ("api_key_id",)):
        assert_equals_truth(upstream, grouping)


def _count(upstream: SandboxServer, now: datetime, day: Day) -> None:
    """Take the requests of a minute out of the log: questions, and further pages of an answer apart."""
    questions: Counter[str] = Counter()
    while upstream.requests:
        entry = upstream.requests.popleft()
        if "page=" in entry.query or "after_id=" in entry.query:
            day.pages[entry.path] += 1
        else:
            questions[entry.path] += 1
    day.ticks.append((now, questions))


def _impolite(day: Day) -> dict[str, dict[str, int]]:
    """What goes beyond one question a minute to an endpoint: in any hour, wherever it begins, and in the day."""
    paths = sorted({path for _, questions in day.ticks for path in questions})
    minutes = {path: [questions[path] for _, questions in day.ticks] for path in paths}
    width = HOUR // TICK
    hours = {
        path: max(sum(one[at : at + width]) for at in range(len(one) - width + 1)) for path, one in minutes.items()
    }
    totals = {path: sum(one) for path, one in minutes.items()}
    print(f"in the busiest hour {hours}, in the day {totals}, further pages {dict(day.pages)}")
    return {
        "busiest hour": {path: count for path, count in hours.items() if count > 60},
        "day": {path: count for path, count in totals.items() if count > 1440},
    }
