"""Tables, overlays, versions, and the rates a question resolves to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pricing.calculate import Charge, MeterCharge, charge, charge_by_meter
from pricing.meters import METERS, REGISTRY, TOKEN_METERS
from pricing.schema import Rates
from pricing.table import PriceTable, load
from tests.pricing.small import TABLE, build, entry, model, reasons

SHIPPED = load()
ONE_OUTPUT = (0, 0, 0, 0, 1_000_000, 0)
DOLLAR = 10**12


def output_price(table: PriceTable, day: date, name: str = "model-a") -> int | None:
    return table.resolve(name, day).low[4]


def test_there_are_six_meters_in_the_order_everybody_uses() -> None:
    assert (*TOKEN_METERS, "web_search_requests") == METERS
    assert METERS == (
        "uncached_input_tokens",
        "ephemeral_5m_input_tokens",
        "ephemeral_1h_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "web_search_requests",
    )
    assert [meter.quote_key for meter in REGISTRY[:5]] == [
        "uncached_input",
        "cache_5m",
        "cache_1h",
        "cache_read",
        "output",
    ]


def test_rates_say_where_they_come_from() -> None:
    rates = SHIPPED.resolve("claude-opus-5-5", date(2026, 11, 12), "batch", "0-200k", "us", "standard")
    assert rates == Rates(
        model="claude-opus-5-5",
        low=(2_200_000, 2_750_000, 4_400_000, 110_000, 11_000_000, 10_000_000_000),
        high=(2_200_000, 2_750_000, 4_400_000, 110_000, 11_000_000, 10_000_000_000),
        reasons=(None, None, None, None, None, None),
        warnings=(),
        entry="claude-opus-5-5 standard 2026-09-22",
        source="Anthropic release notes (2026-09 to 2026-11); LiteLLM 1.109.1; genai-prices 0.2.3",
        checked="2026-11-20",
        factors=("batch 0.5", "us 1.1"),
    )
    assert not rates.is_range


def test_a_range_names_both_entries() -> None:
    rates = SHIPPED.resolve("claude-haiku-5-5", date(2026, 11, 12))
    assert rates.is_range
    assert rates.entry == "claude-haiku-5-5 standard 2026-10-07 or claude-haiku-5-5 long_context 2026-10-07"


@pytest.mark.parametrize("strange", [1, 1.5, True, [], {}, object(), b"batch", "\ud800", "x" * 10_000])
def test_strange_values_never_raise_and_are_never_priced(strange: Any) -> None:
    day = date(2026, 11, 12)
    assert SHIPPED.resolve(strange, day).reasons[4] == "unknown_model"
    for position in range(4):
        dimensions: list[Any] = [None] * 4
        dimensions[position] = strange
        assert SHIPPED.resolve("claude-opus-5", day, *dimensions).reasons[4] == "no_price_for_tier"


def test_empty_text_means_null() -> None:
    assert SHIPPED.resolve("claude-opus-5", date(2026, 11, 12), "", "", "", "") is SHIPPED.resolve(
        "claude-opus-5", date(2026, 11, 12)
    )


def test_a_time_resolves_as_its_day() -> None:
    noon = datetime(2026, 11, 12, 12, tzinfo=UTC)
    assert SHIPPED.resolve("claude-opus-5", noon) is SHIPPED.resolve("claude-opus-5", date(2026, 11, 12))


def test_days_between_two_changes_share_one_answer() -> None:
    assert SHIPPED.resolve("claude-opus-5", date(2026, 9, 1)) is SHIPPED.resolve("claude-opus-5", date(2027, 9, 1))


def test_models_tell_their_names_and_their_life() -> None:
    found = SHIPPED.model("claude-sonnet-4-5")
    assert found is not None
    assert (found.id, found.display_name, found.family) == ("claude-sonnet-4-5-20250929", "Sonnet 4.5", "Sonnet")
    assert (found.launched, found.retired_on) == (date(2025, 9, 29), date(2026, 11, 30))
    assert SHIPPED.model("claude-sonnet-4-5-2025") is None
    assert {one.family for one in SHIPPED.models()} == {
        "Claude",
        "Instant",
        "Opus",
        "Sonnet",
        "Haiku",
        "Fable",
        "Mythos",
    }


def test_the_server_tools_have_their_prices_of_the_day() -> None:
    def prices(day: date) -> dict[str, int]:
        return {tool.tool: tool.price for tool in SHIPPED.tool_prices(day)}

    assert prices(date(2025, 5, 6)) == {}
    assert prices(date(2025, 5, 7)) == {"web_search": 10_000_000_000}
    assert prices(date(2026, 11, 12)) == {
        "web_search": 10_000_000_000,
        "code_execution": 50_000_000_000,
        "session": 80_000_000_000,
    }


def test_charges_are_plain_products() -> None:
    rates = SHIPPED.resolve("claude-opus-5-5", date(2026, 11, 12))
    assert charge(rates, (1000, 2000, 3000, 40000, 500, 0)) == Charge(56_000_000_000, 56_000_000_000, 0)
    assert charge(rates, (0, 0, 0, 0, 0, 0)) == Charge(0, 0, 0)


def test_unpriced_tokens_never_include_web_searches() -> None:
    """MON-06"""
    rates = SHIPPED.resolve("nobody", date(2025, 5, 6))
    assert charge(rates, (1, 2, 3, 4, 5, 6)) == Charge(0, 0, 15)
    rates = SHIPPED.resolve("nobody", date(2025, 5, 7))
    assert charge(rates, (1, 2, 3, 4, 5, 6)) == Charge(60_000_000_000, 60_000_000_000, 15)


def test_charges_by_meter_leave_out_what_counted_nothing() -> None:
    rates = SHIPPED.resolve("claude-2.1", date(2025, 5, 7))
    assert charge_by_meter(rates, (10, 0, 0, 3, 0, 2)) == (
        MeterCharge("uncached_input_tokens", 10, 8_000_000, 8_000_000, 80_000_000, 80_000_000, None),
        MeterCharge("cache_read_input_tokens", 3, None, None, None, None, "no_price_for_meter"),
        MeterCharge("web_search_requests", 2, 10_000_000_000, 10_000_000_000, 20_000_000_000, 20_000_000_000, None),
    )


@pytest.mark.parametrize("counts", [(), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6, 7)])
def test_anything_but_six_counts_is_refused(counts: tuple[int, ...]) -> None:
    rates = SHIPPED.resolve("claude-opus-5", date(2026, 11, 12))
    with pytest.raises(ValueError, match="one count per meter"):
        charge(rates, counts)
    with pytest.raises(ValueError, match="one count per meter"):
        charge_by_meter(rates, counts)


def test_an_overlay_closes_an_open_entry_on_its_own_first_day() -> None:
    """MON-07"""
    table = build(TABLE, entry("2026-06-01"))
    assert output_price(table, date(2026, 5, 31)) == 20_000_000
    assert output_price(table, date(2026, 6, 1)) == 10_000_000


def test_overlays_apply_in_order_each_on_what_is_there() -> None:
    second = entry("2026-07-01", prices='output_tokens = "5"')
    table = build(TABLE, entry("2026-06-01"), second)
    assert [output_price(table, date(2026, month, 1)) for month in (5, 6, 7)] == [20_000_000, 10_000_000, 5_000_000]


def test_an_overlay_with_a_limited_price_continues_with_one_of_its_own() -> None:
    back = entry("2026-07-01", prices='output_tokens = "20"')
    table = build(TABLE, entry("2026-06-01", end="2026-07-01") + back)
    assert [output_price(table, date(2026, month, 1)) for month in (5, 6, 7)] == [20_000_000, 10_000_000, 20_000_000]
    assert reasons(TABLE, entry("2026-06-01", end="2026-07-01")) == [
        "gap: model-a has no price from 2026-07-01 and no retired_on"
    ]


@pytest.mark.parametrize("start", ["2025-06-01", "2026-01-01"])
def test_an_overlay_may_not_rewrite_the_past(start: str) -> None:
    assert any(one.startswith("overlaps") for one in reasons(TABLE, entry(start)))


def test_an_overlay_may_not_touch_an_entry_that_has_ended() -> None:
    ended = TABLE + entry("2026-02-01", kind="fast", end="2026-03-01")
    assert any(one.startswith("overlaps") for one in reasons(ended, entry("2026-02-15", kind="fast")))
    assert reasons(ended, entry("2026-03-01", kind="fast")) == []


def test_an_overlay_adds_models_aliases_and_a_retirement() -> None:
    more = '[[model]]\nid = "model-a"\naliases = ["old-a"]\nretired_on = 2026-08-01\n'
    table = build(TABLE, more + model("model-b") + entry("2026-05-01", model="model-b"))
    assert table.resolve("old-a", date(2026, 8, 2)).warnings == ("after_retirement",)
    assert table.resolve("a", date(2026, 8, 1)).warnings == ()
    assert output_price(table, date(2026, 5, 1), "model-b") == 10_000_000


def test_an_overlay_may_not_rename_a_model() -> None:
    assert reasons(TABLE, '[[model]]\nid = "model-a"\ndisplay_name = "B"\n') == ["display_name of model-a is already A"]


def test_a_dated_factor_of_an_overlay_applies_from_its_day() -> None:
    factor = TABLE[TABLE.index("[[factor]]") : TABLE.index("[[factor]]", 20)]
    newer = factor.replace("0.5", "0.4").replace("2026-01-01", "2026-06-01")
    table = build(TABLE, newer)
    assert table.resolve("a", date(2026, 5, 31), "batch").low[4] == 10_000_000
    assert table.resolve("a", date(2026, 6, 1), "batch").factors == ("batch 0.4",)
    assert table.resolve("a", date(2026, 6, 1), "batch").low[4] == 8_000_000


def test_a_threshold_above_the_window_edge_is_a_range_in_the_long_window_only() -> None:
    long = entry("2026-01-01", kind="long_context", prices='output_tokens = "40"', more="threshold_tokens = 500_000\n")
    table = build(TABLE, long)
    assert table.resolve("a", date(2026, 2, 1), None, "0-200k").low[4] == 20_000_000
    assert not table.resolve("a", date(2026, 2, 1), None, "0-200k").is_range
    hidden = table.resolve("a", date(2026, 2, 1), None, "200k-1M")
    assert (hidden.low[4], hidden.high[4]) == (20_000_000, 40_000_000)


def test_the_version_changes_with_content_and_only_with_content() -> None:
    version = build(TABLE).version
    assert version.startswith("small-2026-01-01+")
    assert len(version) == len("small-2026-01-01+01234567")
    assert build("# a comment\n" + TABLE.replace(" = ", "  =  ")).version == version
    assert build(TABLE.replace('"20"', '"20.00"')).version == version
    assert build(TABLE, 'overlay = "nothing"').version == version
    assert build(TABLE.replace('"20"', '"21"')).version != version
    assert build(TABLE, '[[model]]\nid = "model-a"\naliases = ["b"]\n').version != version
    assert build(TABLE, entry("2026-06-01")).version.startswith("small-2026-06-01+")


def test_the_shipped_version_names_its_newest_price() -> None:
    assert SHIPPED.version.startswith("claude-2026-11-09+")


def test_files_are_loaded_by_name(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.toml"
    overlay.write_text(entry("2027-01-01", model="claude-opus-5-5"))
    table = load([overlay])
    assert [name for name, _ in table.sources] == ["claude.toml", "mine.toml"]
    assert output_price(table, date(2026, 12, 31), "claude-opus-5-5") == 20_000_000
    assert output_price(table, date(2027, 1, 1), "claude-opus-5-5") == 10_000_000


def test_a_million_tokens_cost_their_published_price() -> None:
    """MON-01"""
    rates = SHIPPED.resolve("claude-fable-5-2", date(2026, 11, 12))
    assert charge(rates, ONE_OUTPUT).low == 40 * DOLLAR
