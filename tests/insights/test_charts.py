"""Figures: bins and series that sum exactly; picture, JSON, table and CSV that agree; names that stay text."""

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.insights import charts, display
from costwatch.insights.amounts import Bounds
from costwatch.insights.charts import Figure, Words, figure, plotly, records, rows
from costwatch.insights.drawn import Drawn, drawn
from costwatch.insights.forecast import Day, Forecast
from costwatch.insights.periods import Period
from costwatch.insights.pictures import spark, spark_forecast, svg
from costwatch.insights.spend import Spend, Stack

PICO = 10**12
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))
TODAY = date(2026, 11, 20)
HOSTILE = '<b>x</b><a href="javascript:alert(1)">&k</a><br>'
WORDS = Words(
    "Spend by day", "In <words> & more.", "Today", {"reported": "R", "since": "S", "mixed": "M", "ahead": "A"}
)


def spend(period: Period = NOVEMBER, until: date = TODAY, ahead: Forecast | None = None) -> Spend:
    compared = Period(date(2026, 10, 1), date(2026, 10, 1) + (until - period.since)) if until > period.since else None
    return Spend(period, True, 0, until, Bounds(), None, ahead, compared, 0, 0, 0)


def small() -> Drawn:
    """Two workspaces and two small ones under Other; one credit; usage today known between two values."""
    reported = {
        (date(2026, 11, 1), "a"): 60 * PICO,
        (date(2026, 11, 1), "b"): 30 * PICO,
        (date(2026, 11, 1), "c"): 7 * PICO,
        (date(2026, 11, 2), "d"): 3 * PICO,
        (date(2026, 11, 2), "a"): -5 * PICO,
    }
    since = {(TODAY, "a"): Bounds(2 * PICO, 4 * PICO), (TODAY, "b"): Bounds(PICO, PICO)}
    ahead = Forecast(100 * PICO, 120 * PICO, 150 * PICO, (Day(TODAY, 1 * PICO, 2 * PICO, 3 * PICO),))
    stack = Stack("workspace", NOVEMBER, TODAY, reported, since)
    series = {"a": ("a", 1), "b": ("b", 2)}
    return drawn(stack, spend(ahead=ahead), {date(2026, 10, 1): 50 * PICO}, series, TODAY)


def made() -> Figure:
    return figure(small(), {"a": (HOSTILE, "/workspaces/a/"), "b": ("b", "/b/"), "other": ("Other (2)", "")}, WORDS)


def test_values_without_a_series_go_under_other_in_the_last_place() -> None:
    layers = small().layers
    assert [(layer.key, layer.slot, layer.values) for layer in layers] == [
        ("a", 1, ("a",)),
        ("b", 2, ("b",)),
        ("other", 0, ("c", "d")),
    ]
    assert [layer.total for layer in layers] == [55 * PICO, 30 * PICO, 10 * PICO]


def test_reported_and_at_your_rates_are_summed_apart() -> None:
    assert small().total == 95 * PICO
    assert small().since_total == Bounds(3 * PICO, 5 * PICO)


def test_bins_say_their_state_and_carry_comparison_and_forecast() -> None:
    bins = small().bins
    assert [bins[index].state for index in (0, 18, 19, 20)] == ["reported", "reported", "since", "ahead"]
    assert [bins[0].previous, bins[1].previous, bins[19].previous] == [50 * PICO, 0, None]
    assert bins[19].ahead == (1 * PICO, 2 * PICO, 3 * PICO)
    assert bins[19].is_today


def test_more_than_92_days_are_joined_into_iso_weeks() -> None:
    period = Period(date(2026, 1, 1), date(2026, 11, 21))
    reported = {(period.since + timedelta(days=index), "a"): PICO for index in range(323)}
    stack = Stack("workspace", period, TODAY, reported, {(TODAY, "a"): Bounds(PICO, PICO)})
    weeks = drawn(stack, spend(period, TODAY), {}, {"a": ("a", 1)}, TODAY)
    assert weeks.width == "week"
    assert [bin.first.isoformat() for bin in weeks.bins[:2]] == ["2026-01-01", "2026-01-05"]
    assert (weeks.bins[1].last - weeks.bins[1].first).days == 6
    assert weeks.bins[-1].state == "mixed"
    assert sum(bin.reported for bin in weeks.bins) == 323 * PICO


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.dates(date(2026, 11, 1), date(2026, 11, 19)), st.sampled_from("abcdefgh")),
        st.integers(-(10**18), 10**18),
        max_size=40,
    )
)
def test_bins_and_layers_sum_to_the_stack(reported: dict[tuple[date, str], int]) -> None:
    stack = Stack("workspace", NOVEMBER, TODAY, reported, {})
    whole = drawn(stack, spend(), {}, {"a": ("a", 1), "b": ("b", 2)}, TODAY)
    assert sum(bin.reported for bin in whole.bins) == sum(reported.values()) == whole.total
    assert sum(layer.total for layer in whole.layers) == sum(reported.values())
    ElementTree.fromstring(svg(figure(whole, {}, WORDS), "x"))


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (16_400, ["$0", "$6k", "$12k", "$18k"]),
        (92_000, ["$0", "$50k", "$100k"]),
        (24_000, ["$0", "$8k", "$16k", "$24k"]),
        (90, ["$0", "$30", "$60", "$90"]),
        (1, ["$0", "$0.50", "$1"]),
    ],
)
def test_the_scale_has_three_or_four_round_lines_from_zero(largest: int, labels: list[str]) -> None:
    stack = Stack("workspace", NOVEMBER, TODAY, {(NOVEMBER.since, "a"): largest * PICO}, {})
    scaled = figure(drawn(stack, spend(), {}, {}, TODAY), {}, WORDS)
    assert [tick.label for tick in scaled.ticks] == labels


def test_a_credit_lies_below_zero_and_the_scale_reaches_it() -> None:
    assert made().lowest == -5 * PICO
    assert [tick.label for tick in made().ticks] == ["$0", "$50", "$100"]


def test_a_period_of_credits_alone_draws_downward() -> None:
    stack = Stack("workspace", NOVEMBER, TODAY, {(NOVEMBER.since, "a"): -(10**9) * PICO}, {})
    scaled = figure(drawn(stack, spend(), {}, {}, TODAY), {}, WORDS)
    assert [tick.label for tick in scaled.ticks] == ["−$1B", "−$500M", "$0"]


def test_names_are_escaped_for_plotly_and_for_the_picture() -> None:
    name = plotly(made())["traces"][0]["name"]
    assert name == '&lt;b&gt;x&lt;/b&gt;&lt;a href="javascript:alert(1)"&gt;&amp;k&lt;/a&gt;&lt;br&gt;'
    picture = svg(made(), "spend")
    assert "<b>" not in picture
    assert "In &lt;words&gt; &amp; more." in picture


def test_money_reaches_the_browser_as_text_and_only_heights_are_floats() -> None:
    tip = plotly(made())["tips"][0]
    assert tip["reported"] == "$97.00"
    assert tip["rows"] == [
        [HOSTILE, 1, "$60.00", "61.9 %", "a"],
        ["b", 2, "$30.00", "30.9 %", "b"],
        ["Other (2)", 0, "$7.00", "7.2 %", "other"],
    ]
    assert tip["previous"] == "$50.00"
    assert plotly(made())["tips"][19]["since"] == "$3.00–$5.00"
    assert plotly(made())["traces"][0]["reported"][0] == 60.0


def test_the_table_and_the_csv_have_the_same_amounts_as_the_picture() -> None:
    table = rows(made())
    assert len(table) == 20
    assert table[0]["reported"] == [60 * PICO, 30 * PICO, 7 * PICO]
    lines = records(made())
    assert lines[1] == ["2026-11-01", "2026-11-02", "reported", HOSTILE, "60", "", "", ""]
    assert lines[-2][2:] == ["since", HOSTILE, "", "2", "4", "0"]
    assert len(re.findall(r'<rect class="f\d"', svg(made(), "x"))) == len(lines) - 1


def test_the_picture_is_an_image_with_a_title_and_a_sentence() -> None:
    picture = svg(made(), "spend")
    assert picture.startswith('<svg class="chart" height="264" role="img" aria-labelledby="spend-t spend-d">')
    assert "style=" not in picture
    ElementTree.fromstring(picture)


def test_small_pictures_need_two_points() -> None:
    assert spark([5]) == ""
    assert 'class="prev"' in spark([1, 2, 3], [1, 1, 1])
    ahead = Forecast(3, 4, 5, (Day(TODAY, 1, 2, 3),))
    assert 'class="band"' in spark_forecast([], ahead)


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (0, "$0"),
        (4_100_000_000, "$0.0041"),
        (1, "$0.000000000001"),
        (9_999_999_999, "$0.01"),
        (842_350_000_000_000, "$842.35"),
        (999_994_999_999_999, "$999.99"),
        (999_995_000_000_000, "$1,000"),
        (268_412_500_000_000_000, "$268,412"),
        (268_413_500_000_000_000, "$268,414"),
        (-4_355_000_000_000_000, "−$4,355"),
    ],
)
def test_dollars_have_no_cents_from_a_thousand_and_round_half_to_even(pico: int, text: str) -> None:
    assert display.usd(pico) == text


@pytest.mark.parametrize(
    ("pico", "text"),
    [(391_400, "$391k"), (1_240_000, "$1.2M"), (999_600, "$1M"), (2_500, "$2.5k"), (850, "$850"), (0, "$0")],
)
def test_short_dollars(pico: int, text: str) -> None:
    assert display.usd_short(pico * PICO) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (400_000, "400 k"),
        (999_999, "1.00 M"),
        (1_240_000, "1.24 M"),
        (150_000_000, "150 M"),
    ],
)
def test_tokens_have_three_digits(count: int, text: str) -> None:
    assert display.tokens(count) == text


def test_a_column_has_one_precision_but_hides_no_amount() -> None:
    assert display.usd_column(842_350_000_000_000, 5_000 * PICO) == "$842"
    assert display.usd_column(420_000_000_000, 5_000 * PICO) == "$0.42"
    assert display.usd_column(842_350_000_000_000, 900 * PICO) == "$842.35"


def test_shares_have_one_decimal_and_none_of_nothing() -> None:
    assert display.percent(1, 3) == "33.3 %"
    assert display.percent(-1, 3) == "−33.3 %"
    assert display.percent(1, 0) == ""


def test_tokens_without_a_price_make_a_figure_the_least_it_can_be() -> None:
    since = {(TODAY, "a"): Bounds(2 * PICO, 4 * PICO, 900), (TODAY, "b"): Bounds(0, 0, 50)}
    open_day = drawn(Stack("workspace", NOVEMBER, TODAY, {}, since), spend(), {}, {"a": ("a", 1), "b": ("b", 2)}, TODAY)
    tip = plotly(figure(open_day, {}, WORDS))["tips"][19]
    assert [row[2:4] for row in tip["rows"]] == [["at least $2.00", ""], ["price unknown", ""]]
    assert tip["since"] == "at least $2.00"
    assert [line[3:] for line in records(figure(open_day, {}, WORDS))[1:]] == [
        ["a", "", "2", "4", "900"],
        ["b", "", "0", "0", "50"],
    ]


def test_a_day_of_which_nothing_was_read_is_no_zero() -> None:
    words = Words("", "", "", {**WORDS.states, "unread": "U"})
    unread = frozenset({date(2026, 11, 1), date(2026, 11, 20)})
    stack = Stack("workspace", NOVEMBER, TODAY, {(date(2026, 11, 2), "a"): PICO}, {}, unread)
    drawing = figure(drawn(stack, spend(), {}, {}, TODAY), {}, words)
    assert [drawing.bins[index].state for index in (0, 1, 19, 20)] == ["unread", "reported", "unread", "ahead"]
    assert plotly(drawing)["tips"][0]["reported"] == ""
    assert [line[0] for line in records(drawing)[1:]] == ["2026-11-02"]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (391_400, 412_000, ("$391k", "$412k")),
        (41_210, 41_190, ("$41,210", "$41,190")),
        (3_600, 3_612, ("$3,600", "$3,612")),
        (5, 5, ("$5.00", "$5.00")),
    ],
)
def test_a_range_has_the_digits_that_tell_its_ends_apart(low: int, high: int, texts: tuple[str, str]) -> None:
    assert display.usd_range(low * PICO, high * PICO) == texts


def test_rounded_parts_may_miss_their_rounded_total() -> None:
    parts = [1_000_400_000_000_000, 1_000_400_000_000_000, 1_000_400_000_000_000]
    assert display.rounded_apart(parts, 3_001_200_000_000_000, 1_000_400_000_000_000)
    assert not display.rounded_apart([1000 * PICO, 2000 * PICO], 3000 * PICO, 3000 * PICO)


def test_nothing_at_all_still_draws() -> None:
    empty = drawn(Stack("workspace", NOVEMBER, TODAY, {}, {}), spend(), {}, {}, TODAY)
    drawing = figure(empty, {}, WORDS)
    assert [tick.label for tick in drawing.ticks] == ["$0", "$1", "$2"]
    ElementTree.fromstring(svg(drawing, "x"))
    assert charts.records(drawing)[1:] == []
