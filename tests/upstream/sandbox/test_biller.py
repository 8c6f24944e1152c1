"""The sandbox's own biller, checked against numbers worked out by hand."""

from datetime import date

import pytest

from costwatch.upstream.sandbox.biller import Terms, amounts, billed_rates, cents, list_rates

NOV_12 = date(2026, 11, 12).toordinal()


def test_opus_5_5_standard_costs_4_input_20_output_and_a_fifth_of_a_dollar_per_million_read() -> None:
    terms = Terms("claude-opus-5-5", "standard", "0-200k", "global", "standard")
    rates = billed_rates(terms, NOV_12, False)
    assert rates == (4_000_000, 5_000_000, 8_000_000, 200_000, 20_000_000)
    # 1000 x $4 + 2000 x $5 + 3000 x $8 + 40000 x $0.20 + 500 x $20, per million: $0.056
    assert sum(amounts((1000, 2000, 3000, 40_000, 500, 0), rates)) == 56_000_000_000


def test_us_batch_multiplies_by_eleven_twentieths() -> None:
    terms = Terms("claude-haiku-5-5", "batch", "0-200k", "us", "standard")
    # $0.10 x 0.5 x 1.1 = $0.055 per million input
    assert billed_rates(terms, NOV_12, False) == (55_000, 68_750, 110_000, 5_500, 275_000)


def test_us_does_not_count_for_a_model_that_knows_no_geography() -> None:
    terms = Terms("claude-haiku-4-5-20251001", "standard", "0-200k", "us", "standard")
    assert billed_rates(terms, NOV_12, False) == (1_000_000, 1_250_000, 2_000_000, 100_000, 5_000_000)


def test_fast_opus_5_5_costs_twice_and_the_us_factor_on_top() -> None:
    terms = Terms("claude-opus-5-5", "standard", "200k-1M", "us", "fast")
    assert billed_rates(terms, NOV_12, False) == (8_800_000, 11_000_000, 17_600_000, 440_000, 44_000_000)


def test_haiku_5_5_short_window_is_between_two_published_prices_and_billed_by_the_prompt() -> None:
    terms = Terms("claude-haiku-5-5", "standard", "0-200k", "global", "standard")
    low, high = (100_000, 125_000, 200_000, 10_000, 500_000), (500_000, 625_000, 1_000_000, 50_000, 2_500_000)
    assert list_rates(terms, NOV_12) == (low, high)
    assert billed_rates(terms, NOV_12, False) == low
    assert billed_rates(terms, NOV_12, True) == high
    assert list_rates(Terms("claude-haiku-5-5", "standard", "200k-1M", "global", "standard"), NOV_12) == (high, high)


def test_sonnet_5_5_reads_became_cheaper_on_7_october() -> None:
    terms = Terms("claude-sonnet-5-5", "standard", "0-200k", "global", "standard")
    before, after = (billed_rates(terms, date(2026, 10, day).toordinal(), False) for day in (6, 7))
    assert before == (2_000_000, 2_500_000, 4_000_000, 200_000, 10_000_000)
    assert after == (2_000_000, 2_500_000, 4_000_000, 100_000, 10_000_000)


def test_long_prompts_of_sonnet_4_5_cost_double_until_the_beta_ended() -> None:
    terms = Terms("claude-sonnet-4-5-20250929", "standard", "200k-1M", "not_available", "standard")
    assert billed_rates(terms, date(2026, 4, 29).toordinal(), False) == (
        6_000_000,
        7_500_000,
        12_000_000,
        600_000,
        22_500_000,
    )


@pytest.mark.parametrize("tier", ["priority", "priority_on_demand", "flex", "flex_discount"])
def test_only_standard_and_batch_are_on_the_bill(tier: str) -> None:
    terms = Terms("claude-opus-5-5", tier, "0-200k", "global", "standard")
    assert billed_rates(terms, NOV_12, False) is None
    assert (list_rates(terms, NOV_12) is None) == tier.startswith("flex")


def test_the_unknown_model_is_billed_but_has_no_list_price() -> None:
    terms = Terms("claude-lynx-1-preview", "standard", "0-200k", "global", "standard")
    assert list_rates(terms, NOV_12) is None
    assert billed_rates(terms, NOV_12, False) == (6_000_000, 7_500_000, 12_000_000, 600_000, 30_000_000)


@pytest.mark.parametrize(
    ("pico", "digits", "text"),
    [
        (1_237_891_200_000, 0, "123.78912"),
        (412_800_000_000_000, 6, "41280.000000"),
        (3_000_000, 9, "0.000300000"),
        (1, 0, "0.0000000001"),
        (-12_503_750_000_000, 0, "-1250.375"),
        (10_000_000_000, 0, "1"),
    ],
)
def test_cents_are_exact_decimals(pico: int, digits: int, text: str) -> None:
    assert cents(pico, digits) == text
