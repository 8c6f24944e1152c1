"""The cost report: what the bill says, in cents, and what only a bill has."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from costwatch.upstream.sandbox.biller import WEB_SEARCH, amounts, list_rates
from costwatch.upstream.sandbox.streams import DIMENSIONS

COST = "cost_report"
BOTH = [("group_by[]", "workspace_id"), ("group_by[]", "description")]
FIELDS = {
    "amount",
    "currency",
    "workspace_id",
    "description",
    "cost_type",
    "token_type",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
}


def days(reader: Any, since: str, until: str, *more: tuple[str, str]) -> list[dict[str, Any]]:
    asked = [("starting_at", f"{since}T00:00:00Z"), ("ending_at", f"{until}T00:00:00Z"), ("limit", "31"), *more]
    found: list[dict[str, Any]] = reader.buckets(COST, asked)
    return found


def rows(buckets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for bucket in buckets for row in bucket["results"]]


def pico(found: list[dict[str, Any]]) -> int:
    total = sum((Decimal(row["amount"]) for row in found), Decimal(0)) * 10**10
    assert total == int(total)
    return int(total)


def at(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def test_every_grouping_sums_to_the_truth_of_400_days(reader: Any, shared: Any) -> None:
    truth = shared.truth.totals(datetime(2025, 10, 1, tzinfo=UTC), at(19))[()].reported
    assert truth > 10**18
    assert pico(rows(days(reader, "2025-10-01", "2026-11-19", *BOTH))) == truth
    assert pico(rows(days(reader, "2025-10-01", "2026-11-19", BOTH[0]))) == truth
    assert pico(rows(days(reader, "2025-10-01", "2026-11-19", BOTH[1]))) == truth
    assert pico(rows(days(reader, "2025-10-01", "2026-11-19"))) == truth


def test_truth_by_workspace_and_model_is_what_the_report_says(reader: Any, shared: Any) -> None:
    truth = shared.truth.totals(at(1), at(19), group_by=["workspace_id", "model"])
    found = rows(days(reader, "2026-11-01", "2026-11-19", *BOTH))
    sums: dict[tuple[str, ...], int] = {}
    for row in found:
        key = (row["workspace_id"] or "default", row["model"] or "")
        sums[key] = sums.get(key, 0) + pico([row])
    assert sums == {key: total.reported for key, total in truth.items() if total.reported}


def test_ungrouped_fields_are_null_and_an_ungrouped_day_is_one_row(reader: Any) -> None:
    day = rows(days(reader, "2026-11-17", "2026-11-18"))
    assert len(day) == 1
    assert set(day[0]) == FIELDS
    assert [name for name in FIELDS if day[0][name] is not None] == [n for n in FIELDS if n in ("amount", "currency")]
    by_workspace = rows(days(reader, "2026-11-17", "2026-11-18", BOTH[0]))
    assert sum(row["workspace_id"] is None for row in by_workspace) == 1
    assert all(row["model"] is None and row["description"] is None for row in by_workspace)


def test_amounts_are_decimal_strings_of_cents_some_with_long_fractions(reader: Any) -> None:
    texts = [row["amount"] for row in rows(days(reader, "2026-11-10", "2026-11-17", *BOTH))]
    assert all(re.fullmatch(r"-?[0-9]+(\.[0-9]{1,10})?", text) for text in texts)
    assert any(text.endswith(".000000") for text in texts)
    assert any(len(text.partition(".")[2]) >= 9 for text in texts)


def test_all_cost_types_appear_and_one_nobody_knows(reader: Any) -> None:
    found = rows(days(reader, "2026-11-01", "2026-11-19", *BOTH))
    kinds = {row["cost_type"] for row in found}
    assert kinds == {"tokens", "web_search", "code_execution", "session_usage", "file_storage", None}
    storage = [row for row in found if row["cost_type"] == "file_storage"]
    assert [row["amount"] for row in storage] == ["412.3456789012"]
    assert any(row["description"].endswith("(preview terms)") for row in found)
    assert all(row["model"] is None for row in found if row["cost_type"] != "tokens")


def test_token_types_are_dotted_and_tiers_are_two(reader: Any) -> None:
    found = rows(days(reader, "2026-11-10", "2026-11-17", *BOTH))
    assert {row["token_type"] for row in found if row["cost_type"] == "tokens"} == {
        "uncached_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
    }
    assert {row["service_tier"] for row in found} == {"standard", "batch", None}


def test_one_adjustment_is_negative(reader: Any) -> None:
    negative = [row for row in rows(days(reader, "2026-10-20", "2026-11-19", *BOTH)) if row["amount"].startswith("-")]
    assert [row["description"] for row in negative] == ["Adjustment: credit for elevated error rates"]
    assert pico(negative) == -1_250_375_000_000_000


def test_the_bill_lies_between_the_bounds_for_haiku_5_5(shared: Any) -> None:
    total = shared.truth.totals(at(10), at(17), model="claude-haiku-5-5", service_tier="standard")[()]
    assert total.list_low < total.reported < total.list_high


def test_priority_and_flex_are_used_but_not_billed(shared: Any) -> None:
    found = shared.truth.totals(at(1), at(19), group_by=["service_tier"])
    for tier in ("priority", "priority_on_demand"):
        assert found[(tier,)].list_low > 0
        assert found[(tier,)].reported == 0
    assert found[("flex",)].unpriced_tokens == sum(found[("flex",)].counts[:5]) > 0
    assert (found[("flex",)].list_low, found[("flex",)].reported) == (0, 0)


def test_refused_requests_are_counted_but_not_charged(shared: Any) -> None:
    bot = shared.sandbox.directory.workspace_ids["support-bot"]
    total = shared.truth.totals(
        at(10), at(17), workspace_id=bot, model=["claude-sonnet-5", "claude-sonnet-5-5"], service_tier="standard"
    )[()]
    assert 0 < total.list_low - total.reported < total.list_low // 20


def test_the_unknown_model_is_billed_and_unpriced(shared: Any) -> None:
    total = shared.truth.totals(at(1), at(19), model="claude-lynx-1-preview")[()]
    assert total.reported > 0
    assert total.list_low == 0
    assert total.unpriced_tokens == sum(total.counts[:5]) > 0


def test_the_current_day_is_partial(shared: Any, reader: Any) -> None:
    assert len(days(reader, "2026-11-19", "2026-11-20", *BOTH)) == 1
    today = shared.truth.totals(at(19), at(20))[()].reported
    yesterday = shared.truth.totals(at(18), at(19))[()].reported
    assert yesterday * 3 // 10 < today < yesterday


def test_token_lines_of_a_day_are_list_price_times_counts(reader: Any, shared: Any) -> None:
    """Where one price applies and everything is charged, the report is exactly counts times list."""
    day = at(17)
    expected = 0
    docs = shared.sandbox.directory.workspace_ids["docs-assistant"]
    history = shared.sandbox.history
    start = int(day.timestamp())
    for number, counts in history.rows(start, start + 86_400, start + 200_000):
        stream = history.streams.all[number]
        if stream.place[DIMENSIONS.index("workspace_id")] == docs:
            rates = list_rates(stream.terms, day.toordinal())
            assert rates is not None
            expected += sum(amounts(counts, rates[0])) + counts[5] * WEB_SEARCH
    found = [row for row in rows(days(reader, "2026-11-17", "2026-11-18", *BOTH)) if row["workspace_id"] == docs]
    assert pico(found) == expected > 0


def test_meters_can_be_asked_for_apart(shared: Any) -> None:
    found = shared.truth.totals(at(10), at(17), group_by=["cost_type", "token_type"])
    whole = shared.truth.totals(at(10), at(17))[()]
    assert found[("tokens", "output_tokens")].output_tokens == whole.output_tokens
    assert found[("tokens", "output_tokens")].uncached_input_tokens == 0
    assert found[("web_search", "")].reported == found[("web_search", "")].web_search_requests * 10**10
    assert sum(total.reported for total in found.values()) == whole.reported
    assert sum(total.list_high for total in found.values()) == whole.list_high
