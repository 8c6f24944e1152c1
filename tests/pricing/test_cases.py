"""The worked cases everybody shares, and amounts worked out by hand."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pricing.quote import quote_line
from pricing.table import load

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cases.json").read_text())
TABLE = load()


def ask(**line: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(quote_line(TABLE, json.dumps(line).encode()))
    return answer


@pytest.mark.parametrize("case", CASES, ids=[case["quote"]["id"] for case in CASES])
def test_the_worked_case_comes_out_exactly(case: dict[str, Any]) -> None:
    expect, answer = case["expect"], ask(**case["quote"])
    assert answer["status"] == expect["status"]
    assert answer["warnings"] == expect["warnings"]
    assert answer["id"] == case["quote"]["id"]
    if expect["status"] == "priced":
        assert answer["cost_usd"] == answer["low_usd"] == answer["high_usd"] == expect["cost_usd"]
    elif "inside_usd" in expect:
        assert Decimal(answer["low_usd"]) <= Decimal(expect["inside_usd"]) <= Decimal(answer["high_usd"])
    elif expect["status"] == "range":
        assert (answer["low_usd"], answer["high_usd"]) == (expect["low_usd"], expect["high_usd"])
    else:
        assert answer["cost_usd"] is None
        assert expect["reason"] in {row["reason"] for row in answer["unpriced"]}


def test_there_are_forty_one_worked_cases() -> None:
    assert len(CASES) == 41


def test_the_whole_answer_has_the_published_keys_in_the_published_order() -> None:
    line = b'{"id": "any", "model": "claude-opus-5-5", "date": "2026-11-12", "tokens": {"uncached_input": 1000}}'
    assert quote_line(TABLE, line) == (
        '{"id": "any", "status": "priced", "cost_usd": "0.004", "low_usd": "0.004", "high_usd": "0.004", '
        '"charges": [{"meter": "uncached_input_tokens", "quantity": 1000, "unit_price_usd_per_mtok": "4", '
        '"cost_usd": "0.004"}], "unpriced": [], "warnings": [], "error": null, '
        f'"price_version": "{TABLE.version}"}}'
    )


def test_a_range_charge_carries_both_prices_and_both_costs() -> None:
    answer = ask(model="claude-haiku-5-5", date="2026-11-01", tokens={"output": 1_000_000}, web_search_requests=3)
    assert answer["status"] == "range"
    assert (answer["cost_usd"], answer["low_usd"], answer["high_usd"]) == (None, "0.53", "2.53")
    assert answer["charges"] == [
        {
            "meter": "output_tokens",
            "quantity": 1_000_000,
            "unit_price_usd_per_mtok": None,
            "cost_usd": None,
            "unit_price_low_usd_per_mtok": "0.5",
            "unit_price_high_usd_per_mtok": "2.5",
            "cost_low_usd": "0.5",
            "cost_high_usd": "2.5",
        },
        {
            "meter": "web_search_requests",
            "quantity": 3,
            "unit_price_usd": "0.01",
            "cost_usd": "0.03",
            "unit_price_low_usd_per_mtok": None,
            "unit_price_high_usd_per_mtok": None,
            "cost_low_usd": "0.03",
            "cost_high_usd": "0.03",
        },
    ]


def test_haiku_5_5_in_the_long_window_has_its_high_price_exactly() -> None:
    answer = ask(model="claude-haiku-5-5", date="2026-11-01", context_window="200k-1M", tokens={"output": 1_000_000})
    assert (answer["status"], answer["cost_usd"], answer["warnings"]) == ("priced", "2.5", [])


def test_haiku_5_5_without_tokens_is_priced_and_no_threshold_matters() -> None:
    answer = ask(model="claude-haiku-5-5", date="2026-11-01", web_search_requests=2)
    assert (answer["status"], answer["cost_usd"], answer["warnings"]) == ("priced", "0.02", [])


def test_a_partly_priced_quote_has_no_cost_but_says_what_could_be_priced() -> None:
    """MON-06"""
    answer = ask(model="claude-2.1", date="2024-09-01", tokens={"uncached_input": 100, "cache_5m": 100, "output": 10})
    assert answer["status"] == "unpriced"
    assert (answer["cost_usd"], answer["low_usd"], answer["high_usd"]) == (None, "0.00104", "0.00104")
    assert [row["meter"] for row in answer["charges"]] == ["uncached_input_tokens", "output_tokens"]
    assert answer["unpriced"] == [
        {"meter": "ephemeral_5m_input_tokens", "quantity": 100, "reason": "no_price_for_meter"}
    ]


def test_an_unknown_model_is_never_free() -> None:
    """MON-06"""
    answer = ask(model="claude-opus-6", date="2026-11-01", tokens={"output": 5}, web_search_requests=1)
    assert (answer["status"], answer["cost_usd"], answer["low_usd"]) == ("unpriced", None, "0.01")
    assert answer["unpriced"] == [{"meter": "output_tokens", "quantity": 5, "reason": "unknown_model"}]


def test_nothing_used_costs_nothing_even_for_an_unknown_model() -> None:
    answer = ask(model="claude-opus-6", date="2026-11-01", tokens={"output": 0})
    assert (answer["status"], answer["cost_usd"], answer["charges"], answer["unpriced"]) == ("priced", "0", [], [])


def test_nothing_used_still_tells_what_concerns_the_model() -> None:
    answer = ask(
        model="claude-opus-4-0",
        date="2026-06-16",
        service_tier="priority",
        inference_geo="us",
        speed="fast",
    )
    assert answer["cost_usd"] == "0"
    assert answer["warnings"] == [
        "after_retirement",
        "fast_not_available",
        "geo_not_supported_by_model",
        "priority_excluded_from_cost_report",
    ]


@pytest.mark.parametrize(
    ("model", "day", "cost"),
    [
        ("claude-3-5-haiku-latest", "2024-12-02", "6"),
        ("claude-3-5-haiku-latest", "2024-12-03", "4.8"),
        ("claude-2", "2023-11-20", "43.7"),
        ("claude-2", "2023-11-21", "32"),
        ("claude-instant-1", "2023-12-31", "7.14"),
        ("claude-instant-1", "2024-01-01", "3.2"),
        ("claude-sonnet-4-5", "2025-09-29", "18"),
        ("claude-sonnet-5", "2026-09-01", "12"),
        ("claude-fable-5-2", "2026-11-09", "48"),
    ],
)
def test_a_million_in_and_a_million_out_on_the_days_around_a_change(model: str, day: str, cost: str) -> None:
    tokens = {"uncached_input": 1_000_000, "output": 1_000_000}
    assert ask(model=model, date=day, tokens=tokens)["cost_usd"] == cost


@pytest.mark.parametrize(
    ("model", "day", "context", "cost"),
    [
        ("claude-opus-4-6", "2026-02-20", "200k-1M", "285"),
        ("claude-opus-4-6", "2026-02-21", "200k-1M", "180"),
        ("claude-opus-4-6", "2026-02-20", "0-200k", "180"),
        ("claude-opus-4-6", "2026-02-20", None, "180"),
        ("claude-opus-4-8", "2026-11-29", "0-200k", "60"),
        ("claude-opus-5-5", "2026-11-12", "200k-1M", "48"),
        ("claude-mythos-5-2", "2026-11-12", "0-200k", "96"),
    ],
)
def test_fast_has_its_own_price_per_model_and_day(model: str, day: str, context: str | None, cost: str) -> None:
    tokens = {"uncached_input": 1_000_000, "output": 1_000_000}
    answer = ask(model=model, date=day, context_window=context, speed="fast", tokens=tokens)
    assert (answer["cost_usd"], answer["warnings"]) == (cost, [])


@pytest.mark.parametrize(
    ("model", "day", "tier", "cost"),
    [
        ("claude-opus-4-8", "2026-11-30", "standard", "30"),
        ("claude-opus-4-7", "2026-07-24", "standard", "30"),
        ("claude-sonnet-5", "2026-11-01", "standard", "12"),
        ("claude-opus-5", "2026-11-01", "batch", "15"),
    ],
)
def test_fast_where_there_is_none_is_priced_as_standard_and_said(model: str, day: str, tier: str, cost: str) -> None:
    tokens = {"uncached_input": 1_000_000, "output": 1_000_000}
    answer = ask(model=model, date=day, service_tier=tier, speed="fast", tokens=tokens)
    assert (answer["cost_usd"], answer["warnings"]) == (cost, ["fast_not_available"])


def test_a_batch_below_the_long_price_of_opus_4_6_ignores_fast_and_keeps_the_long_price() -> None:
    answer = ask(
        model="claude-opus-4-6",
        date="2026-02-10",
        service_tier="batch",
        context_window="200k-1M",
        inference_geo="us",
        speed="fast",
        tokens={"uncached_input": 1_000_000},
    )
    assert (answer["cost_usd"], answer["warnings"]) == ("5.5", ["fast_not_available"])


def test_fast_with_priority_has_the_fast_price_and_the_priority_warning() -> None:
    answer = ask(
        model="claude-opus-5", date="2026-11-01", service_tier="priority", speed="fast", tokens={"output": 1_000_000}
    )
    assert (answer["cost_usd"], answer["warnings"]) == ("50", ["priority_excluded_from_cost_report"])


@pytest.mark.parametrize("model", ["claude-2.1", "claude-mythos-preview", "claude-instant-1.2"])
def test_a_batch_without_batch_price_is_unpriced(model: str) -> None:
    answer = ask(model=model, date="2026-06-30", service_tier="batch", tokens={"output": 1})
    assert answer["unpriced"] == [{"meter": "output_tokens", "quantity": 1, "reason": "no_price_for_tier"}]


@pytest.mark.parametrize(
    "dimension",
    [
        {"service_tier": "flex"},
        {"service_tier": "flex_discount"},
        {"service_tier": "Standard"},
        {"context_window": "0-100k"},
        {"inference_geo": "eu"},
        {"speed": "turbo"},
    ],
)
def test_a_value_nobody_published_a_price_for_is_not_priced(dimension: dict[str, str]) -> None:
    answer = ask(model="claude-opus-5", date="2026-11-01", tokens={"output": 1}, web_search_requests=1, **dimension)
    assert answer["unpriced"] == [{"meter": "output_tokens", "quantity": 1, "reason": "no_price_for_tier"}]
    assert answer["low_usd"] == "0.01"


def test_usage_on_the_retirement_day_is_billed_without_a_warning() -> None:
    assert ask(model="claude-opus-4-1", date="2026-08-05", tokens={"output": 1})["warnings"] == []
    after = ask(model="claude-opus-4-1", date="2026-08-06", tokens={"output": 1})
    assert (after["cost_usd"], after["warnings"]) == ("0.000075", ["after_retirement"])


def test_web_searches_have_no_price_before_they_existed() -> None:
    before = ask(model="claude-3-7-sonnet-latest", date="2025-05-06", web_search_requests=1)
    assert before["unpriced"] == [{"meter": "web_search_requests", "quantity": 1, "reason": "no_price_for_date"}]
    assert ask(model="claude-3-7-sonnet-latest", date="2025-05-07", web_search_requests=1)["cost_usd"] == "0.01"


def test_prices_depend_on_the_context_window_only_in_two_periods() -> None:
    answers = {
        date(2025, 8, 11): False,
        date(2025, 8, 12): True,
        date(2026, 4, 30): True,
        date(2026, 5, 1): False,
        date(2026, 10, 6): False,
        date(2026, 10, 7): True,
        date(2030, 1, 1): True,
    }
    assert {day: TABLE.depends_on_context(day) for day in answers} == answers
