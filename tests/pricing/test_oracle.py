"""MON-01, MON-06, MON-07: every price equals a second, independent calculation with fractions."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.quote import quote_line
from pricing.table import load
from tests.pricing import oracle

TABLE = load()
NAMES = [*oracle.names(), "claude-opus-5-5-fast", "anthropic.claude-opus-4-8", "", "Claude-Opus-5"]
NEAR = (-1, 0, 1)
DAYS = sorted({day + timedelta(days=offset) for day in oracle.change_days() for offset in NEAR})
DAYS += [date(2025, 5, 6), date(2025, 5, 7), date(1, 1, 1), date(9999, 12, 31)]
TIERS = ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount", "", None, "gold")
CONTEXTS = ("0-200k", "200k-1M", "", None, "1M-2M")
GEOS = ("global", "us", "not_available", "", None, "eu")
SPEEDS = ("standard", "fast", "", None, "turbo")
KEYS = ("uncached_input", "cache_5m", "cache_1h", "cache_read", "output")

Question = tuple[str, date, str | None, str | None, str | None, str | None, tuple[int, ...], int]


def ask(question: Question) -> dict[str, Any]:
    model, day, tier, context, geo, speed, tokens, searches = question
    line = {
        "id": 1,
        "model": model,
        "date": day.isoformat(),
        "service_tier": tier,
        "context_window": context,
        "inference_geo": geo,
        "speed": speed,
        "tokens": dict(zip(KEYS, tokens, strict=True)),
        "web_search_requests": searches,
    }
    answer: dict[str, Any] = json.loads(quote_line(TABLE, json.dumps(line).encode()))
    return answer


def agree(question: Question) -> None:
    said, expected = ask(question), oracle.judge(*question)
    assert said["status"] == expected.status
    assert (Fraction(said["low_usd"]), Fraction(said["high_usd"])) == (expected.low, expected.high)
    assert said["cost_usd"] == (said["low_usd"] if expected.status == "priced" else None)
    assert {row["meter"]: row["reason"] for row in said["unpriced"]} == expected.reasons
    assert set(said["warnings"]) == expected.warnings
    assert len(said["warnings"]) == len(expected.warnings)
    asked = sum(question[6]) + question[7]
    assert sum(row["quantity"] for row in said["charges"] + said["unpriced"]) == asked
    lows = [row["cost_low_usd"] if said["status"] == "range" else row["cost_usd"] for row in said["charges"]]
    if said["status"] != "unpriced":
        assert sum(map(Fraction, lows)) == expected.low


counts = st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 10**18))


@settings(max_examples=1500, deadline=None)
@given(
    st.tuples(
        st.sampled_from(NAMES),
        st.one_of(st.sampled_from(DAYS), st.dates(date(2023, 1, 1), date(2027, 12, 31))),
        st.sampled_from(TIERS),
        st.sampled_from(CONTEXTS),
        st.sampled_from(GEOS),
        st.sampled_from(SPEEDS),
        st.tuples(counts, counts, counts, counts, counts),
        st.one_of(st.just(0), st.integers(0, 10**18)),
    )
)
def test_any_quote_equals_the_oracle(question: Question) -> None:
    """MON-01"""
    agree(question)


def test_every_name_equals_the_oracle_on_the_days_around_every_change() -> None:
    """MON-07"""
    for model, day in product(NAMES, DAYS):
        agree((model, day, "standard", "0-200k", "global", "standard", (1, 10, 100, 1000, 10000), 0))


def test_every_combination_of_dimensions_equals_the_oracle_for_models_with_special_prices() -> None:
    models = ("claude-haiku-5-5", "claude-opus-4-6", "claude-sonnet-4-0", "claude-mythos-preview", "claude-2.1")
    days = (date(2025, 8, 12), date(2026, 2, 20), date(2026, 2, 21), date(2026, 5, 1), date(2026, 11, 12))
    for model, day, tier, context, geo, speed in product(models, days, TIERS, CONTEXTS, GEOS, SPEEDS):
        agree((model, day, tier, context, geo, speed, (7, 11, 13, 17, 19), 3))


def test_every_alias_costs_what_its_id_costs() -> None:
    for row in oracle.ROWS:
        for alias in filter(None, row["aliases"].split(";")):
            model = TABLE.model(alias)
            assert model is not None
            assert model.id == row["model_id"]


def test_every_batch_price_of_the_published_table_is_half_the_standard_price() -> None:
    for row in oracle.ROWS:
        if row["batch_input"]:
            assert Fraction(row["batch_input"]) * 2 == Fraction(row["input"])
            assert Fraction(row["batch_output"]) * 2 == Fraction(row["output"])


def test_the_table_has_as_many_entries_as_were_published() -> None:
    assert len(TABLE.content.entries) == 61
    assert len(TABLE.models()) == 38
