"""A company's organization in the ledger: 400 days of hours, 2,000 series, 322 keys, 25 workspaces, 8 models.

Facts go in by the store's own insert; rollups and charges are then made by the product, as are its coverage rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from bench.report_pages import MODELS, WEIGHTS, counts

DAYS = 400
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
FIRST = datetime(2025, 10, 17, tzinfo=UTC)
SERIES, KEYS, WORKSPACES = 2000, 322, 25
DESCRIBED = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)
Row = tuple[Any, ...]


def build(facts: int, *, days: int = DAYS) -> int:
    """Fill an empty database with the newest days. Shape: how many facts it has then."""
    from django.db import transaction

    from bench.page_to_facts import organization
    from costwatch.directory.models import Organization
    from costwatch.ledger import prices as ledger_prices
    from costwatch.ledger.intern import Interned
    from costwatch.ledger.models import PriceChange
    from costwatch.ledger.rollup import refresh_days, refresh_series_months
    from costwatch.ledger.store import store
    from costwatch.ledger.store.tables import FACT

    owner = organization().pk
    Organization.objects.update(history_since=FIRST.date())
    known = _series()
    numbers = Interned(owner).usage(known)
    ids = [numbers[dims] for dims in known]
    prices = ledger_prices.publish()
    PriceChange.objects.update(applied_at=NOW)
    an_hour = facts // (days * 24)
    chance = random.Random(11)
    pool = [counts(chance) for _ in range(5000)]
    made = 0
    reported = Interned(owner)
    every_day = [FIRST + timedelta(days=offset) for offset in range(DAYS - days, DAYS)]
    for _, month in groupby(every_day, key=lambda day: day.month):
        of_month = list(month)
        with transaction.atomic():
            for day in of_month:
                rows = list(_day(day, ids, an_hour, pool, chance))
                store()._insert(FACT, rows)
                made += len(rows)
            refresh_days(organization_id=owner, days=[day.date() for day in of_month], prices=prices)
            _report(reported, [day.date() for day in of_month], chance)
    refresh_series_months(organization_id=owner)
    _cover(owner)
    return made


def _series() -> list[Any]:
    from costwatch.ledger.dimensions import UsageDims

    chance = random.Random(5)
    spaces = [f"wrkspc_{number:02d}" for number in range(WORKSPACES)]
    keys = [(f"apikey_{number:03d}", spaces[number % WORKSPACES]) for number in range(KEYS)]
    made: dict[Any, None] = {}
    while len(made) < SERIES:
        key, space = keys[int(chance.random() ** 2 * KEYS)]
        tier = chance.choices(("standard", "batch"), (85, 15))[0]
        geo = chance.choices(("global", "us"), (80, 20))[0]
        made[UsageDims(key, space, chance.choices(MODELS, WEIGHTS)[0], tier, "", geo, "standard")] = None
    return list(made)


def _day(day: datetime, ids: list[int], an_hour: int, pool: list[Row], chance: random.Random) -> Iterator[Row]:
    for hour in range(24):
        start = day + timedelta(hours=hour)
        if start > NOW:
            return
        shift = chance.randrange(len(pool))
        chosen = sorted(chance.sample(range(len(ids)), min(an_hour, len(ids))))
        rows = [(start, ids[one], *pool[(place + shift) % len(pool)], 1) for place, one in enumerate(chosen)]
        yield from sorted(rows)


def _report(interned: Any, days: list[date], chance: random.Random) -> None:
    """The cost report's lines of some days: by workspace and description."""
    from costwatch.ledger.dimensions import ReportedDims
    from costwatch.ledger.record import ReportedDay, record_reported

    lines = [
        ReportedDims(f"wrkspc_{space:02d}", "USD", "tokens", kind, model, tier, "", "global", f"{model} {kind} {tier}")
        for space in range(WORKSPACES)
        for model in MODELS[space % 3 : space % 3 + 5]
        for tier in ("standard", "batch")
        for kind in DESCRIBED
    ]
    interned.reported(lines)
    made = [ReportedDay(day, {line: (chance.randrange(10**12), "1") for line in lines}) for day in days]
    record_reported(interned=interned, days=made, run=1, seen_at=NOW)


def _cover(owner: int) -> None:
    from costwatch.directory.models import Workspace
    from costwatch.ingest.models import Coverage, Source

    for source, width in (("usage", timedelta(hours=1)), ("cost", timedelta(days=1))):
        Source.objects.create(organization_id=owner, name=source, last_success_at=NOW)
        rows, start = [], FIRST
        while start <= NOW:
            end = start + width
            state = "settled" if end + timedelta(hours=6) < NOW else "open"
            rows.append(
                Coverage(
                    organization_id=owner, source=source, start=start, end=end, state=state, digest=b"x" * 16,
                    first_read_at=NOW, last_read_at=NOW, changed_at=NOW,
                )
            )  # fmt: skip
            start = end
        Coverage.objects.bulk_create(rows, batch_size=500)
    Workspace.objects.bulk_create(
        Workspace(
            organization_id=owner,
            external_id=f"wrkspc_{number:02d}",
            key=f"wrkspc_{number:02d}",
            name=f"team-{number:02d}",
            created_at=FIRST,
            first_seen_at=FIRST,
            last_seen_at=NOW,
        )
        for number in range(WORKSPACES)
    )
