"""What was fast and what was not sum to the whole, or the whole is said not to fit."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.ingest.analytics_split import divide_cost, divide_usage
from costwatch.ingest.split import Negative
from costwatch.upstream.pages import Bucket, bucket_of

START = datetime(2026, 11, 10, tzinfo=UTC)
SPAN = {"starting_at": "2026-11-10T00:00:00Z", "ending_at": "2026-11-11T00:00:00Z"}


def bucket(*rows: object) -> Bucket:
    return bucket_of(START, START + timedelta(days=1), [msgspec.Raw(json.dumps(row).encode()) for row in rows])


def used(model: str, tokens: int, requests: int | None = 0) -> dict[str, Any]:
    usage = {
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "cache_read_input_tokens": 0,
        "output_tokens": tokens,
        "requests": requests,
        "server_tool_use": {"web_search_requests": 0},
        "uncached_input_tokens": 0,
    }
    return {**SPAN, "group": {"model": model, "workspace_id": "w"}, "usage": usage}


def paid(model: str, amount: str, list_amount: str = "0") -> dict[str, Any]:
    return {
        **SPAN,
        "group": {"model": model},
        "cost": {"amount": amount, "currency": "USD", "list_amount": list_amount},
    }


@settings(max_examples=100, deadline=None)
@given(
    parts=st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=4
    )
)
def test_the_parts_sum_to_the_base(parts: dict[str, tuple[int, int]]) -> None:
    base = bucket(*(used(model, plain + fast, plain + fast) for model, (plain, fast) in parts.items()))
    quick = bucket(*(used(model, fast, fast) for model, (_, fast) in parts.items() if fast))
    rows = divide_usage(base, quick, "w").rows
    found = {(dims.model, dims.speed): (row.counts[4], row.requests) for dims, row in rows.items()}
    expected = {(model, "standard"): (plain, plain) for model, (plain, _) in parts.items() if plain}
    assert found == expected | {(model, "fast"): (fast, fast) for model, (_, fast) in parts.items() if fast}
    assert {dims.workspace_id for dims in rows} <= {"default"}
    base = bucket(*(paid(model, str(plain + fast)) for model, (plain, fast) in parts.items()))
    quick = bucket(*(paid(model, str(fast)) for model, (_, fast) in parts.items() if fast))
    costs = divide_cost(base, quick, "").rows
    assert sum(row.amount for row in costs.values()) == sum(map(sum, parts.values())) * 10**10
    assert sum(row.amount for dims, row in costs.items() if dims.speed == "fast") == sum(
        fast * 10**10 for _, fast in parts.values()
    )


def test_more_than_the_whole_is_refused() -> None:
    with pytest.raises(Negative):
        divide_usage(bucket(used("a", 5)), bucket(used("a", 6)), "")
    with pytest.raises(Negative):
        divide_usage(bucket(used("a", 5, 1)), bucket(used("a", 5, 2)), "")
    with pytest.raises(Negative):
        divide_usage(bucket(used("a", 5)), bucket(used("b", 1)), "")
    with pytest.raises(Negative):
        divide_cost(bucket(paid("a", "1.5")), bucket(paid("a", "1.6")), "")
    with pytest.raises(Negative):
        divide_cost(bucket(paid("a", "1.5", "2")), bucket(paid("a", "1.5", "2.1")), "")


def test_unknown_requests_stay_unknown() -> None:
    rows = divide_usage(bucket(used("a", 5, None)), bucket(used("a", 2, 3)), "").rows
    assert {dims.speed: row.requests for dims, row in rows.items()} == {"standard": None, "fast": 3}


def test_no_key_is_the_console_and_a_key_is_itself() -> None:
    key = {**used("a", 5), "group": {"api_key_id": "k", "model": "a\x00b"}}
    rows = divide_usage(bucket(key, used("a", 1)), bucket(), "").rows
    assert {(dims.api_key_id, dims.model) for dims in rows} == {("k", "a\u2400b"), ("console", "a")}


def test_the_same_dimensions_twice_are_added_up_and_said() -> None:
    divided = divide_cost(bucket(paid("a", "1.5", "2"), paid("a", "0.25", "1")), bucket(), "")
    (cost,) = divided.rows.values()
    assert tuple(cost) == (17_500_000_000, 30_000_000_000, "1.5 + 0.25", "2 + 1")
    assert list(divided.novelties) == [("(the same dimensions twice in one day)", "")]
