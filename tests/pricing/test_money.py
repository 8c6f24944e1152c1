"""MON-01, MON-02: amounts are whole pico-dollars, and cents become dollars exactly once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import money
from pricing.money import PICO, TooFine, format_usd, parse_cents, parse_usd


@pytest.mark.parametrize(
    ("text", "pico"),
    [
        ("123.45", 1_234_500_000_000),
        ("123.78912", 1_237_891_200_000),
        ("100", 1_000_000_000_000),
        ("0", 0),
        ("-0", 0),
        ("-0.00", 0),
        ("-12.34", -123_400_000_000),
        ("0.0000000001", 1),
        ("0.000000000100000000", 1),
        ("007", 70_000_000_000),
        ("99999999999999999999", 999_999_999_999_999_999_990_000_000_000),
    ],
)
def test_cents_become_pico_dollars(text: str, pico: int) -> None:
    """MON-02"""
    assert parse_cents(text) == pico


def test_one_hundred_cents_are_one_dollar_and_the_division_happens_once() -> None:
    """MON-02: fails when the division by a hundred is dropped or done twice."""
    assert format_usd(parse_cents("123.45")) == "1.2345"
    assert format_usd(parse_cents("100")) == "1"
    assert parse_usd("100") == 100 * parse_cents("100")


def test_a_suite_that_lost_the_hundred_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """MON-02: the same expectation with the division removed is wrong by a factor of one hundred."""
    monkeypatch.setattr(money, "_CENT_DIGITS", 12)
    assert format_usd(money.parse_cents("123.45")) == "123.45"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "1.",
        ".5",
        "1e3",
        "1E-3",
        "NaN",
        "Infinity",
        "-",
        "--1",
        "1,000",
        "1_000",
        "0x10",
        "\u0661\u0662",
        "\uff11",
        "1.5.2",
        "123456789012345678901",
        "1.1234567890123456789",
    ],
)
def test_anything_but_plain_decimal_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number"):
        parse_cents(text)
    with pytest.raises(ValueError, match="not a plain decimal number"):
        parse_usd(text)


@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"1"])
def test_anything_but_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number"):
        parse_cents(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("0.00000000005", 0),
        ("0.00000000015", 2),
        ("0.00000000025", 2),
        ("0.000000000250000001", 3),
        ("0.00000000024", 2),
        ("-0.00000000015", -2),
        ("-0.00000000025", -2),
        ("1.99999999995", 20_000_000_000),
    ],
)
def test_an_amount_finer_than_a_pico_dollar_says_its_half_even_value(text: str, rounded: int) -> None:
    with pytest.raises(TooFine) as caught:
        parse_cents(text)
    assert caught.value.rounded == rounded


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (0, "0"),
        (1, "0.000000000001"),
        (-1, "-0.000000000001"),
        (PICO, "1"),
        (-PICO, "-1"),
        (9_675 * 10**9, "9.675"),
        (10 * PICO, "10"),
        (100 * PICO + 5 * 10**11, "100.5"),
        (10**30, "1000000000000000000"),
    ],
)
def test_amounts_are_written_shortest_and_exact(pico: int, text: str) -> None:
    assert format_usd(pico) == text


@given(st.integers(-(10**31), 10**31))
def test_what_is_written_reads_back_as_the_same_amount(pico: int) -> None:
    """MON-01"""
    assert parse_usd(format_usd(pico)) == pico


@given(st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,18})?", fullmatch=True).filter(str.isascii))
def test_cents_equal_a_fraction_or_its_half_even_neighbour(text: str) -> None:
    """MON-01"""
    exact = Fraction(text) * 10**10
    if exact.denominator == 1:
        assert parse_cents(text) == exact
        return
    with pytest.raises(TooFine) as caught:
        parse_cents(text)
    assert caught.value.rounded == round(exact)
