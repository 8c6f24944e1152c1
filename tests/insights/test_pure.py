"""The pure parts of insights: splitting, forecasting, periods, intervals."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.insights.forecast import forecast
from costwatch.insights.grains import pieces
from costwatch.insights.periods import Period, compared, comparison, month, parse
from costwatch.insights.query import BadQuestion, Query, period_name, period_span, question
from costwatch.insights.split import split

TODAY = date(2026, 11, 20)


def test_an_amount_is_split_by_weights_and_the_odd_picos_go_to_the_largest_remainders() -> None:
    assert split(100, {"a": 1, "b": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert split(10, {"a": 7, "b": 2, "c": 1}) == {"a": 7, "b": 2, "c": 1}
    assert split(-100, {"a": 2, "b": 1}) == {"a": -67, "b": -33}
    assert split(100, {"a": 0, "b": 0}) == {}


@given(st.integers(-(10**24), 10**24), st.dictionaries(st.text(max_size=3), st.integers(0, 10**18), max_size=12))
def test_the_parts_of_a_split_sum_to_it_exactly(amount: int, weights: dict[str, int]) -> None:
    parts = split(amount, weights)
    assert (sum(parts.values()) == amount) if sum(weights.values()) else parts == {}


def test_a_forecast_takes_each_day_to_come_as_its_weekday_was() -> None:
    # Four weeks: weekdays 10, 12, 14, 16 by week, weekends 2; known so far is 100; a Friday and a Saturday to come.
    history = {}
    for offset in range(28):
        day = date(2026, 10, 23) + timedelta(days=offset)
        history[day] = 2 if day.weekday() >= 5 else 10 + 2 * (offset // 7)
    made = forecast(known=100, history=history, to_come=[date(2026, 11, 20), date(2026, 11, 21)])
    assert made is not None
    assert [(day.low, day.middle, day.high) for day in made.days] == [(11, 13, 15), (2, 2, 2)]
    assert (made.low, made.middle, made.high) == (113, 115, 117)


def test_a_forecast_needs_seven_days() -> None:
    six = {date(2026, 11, day): 5 for day in range(1, 7)}
    assert forecast(known=30, history=six, to_come=[date(2026, 11, 7)]) is None
    assert forecast(known=35, history=six | {date(2026, 11, 7): 5}, to_come=[date(2026, 11, 8)]) is not None


def test_a_month_is_compared_with_the_same_days_of_the_one_before() -> None:
    november = month(TODAY)
    part = Period(date(2026, 11, 1), date(2026, 11, 20))
    assert compared(november, part, "same_days") == Period(date(2026, 10, 1), date(2026, 10, 20))
    assert compared(november, part, "previous") == Period(date(2026, 10, 13), date(2026, 11, 1))
    assert compared(november, part, "none") is None
    march = month(date(2026, 3, 31))
    assert compared(march, march, "same_days") == Period(date(2026, 2, 1), date(2026, 3, 1))


def test_a_short_range_is_compared_with_four_weeks_before_and_a_long_one_with_the_period_before() -> None:
    week = Period(date(2026, 11, 14), date(2026, 11, 21))
    assert comparison(week, "same_days") == "four_weeks"
    assert compared(week, week, "same_days") == Period(date(2026, 10, 17), date(2026, 10, 24))
    year = Period(date(2026, 1, 1), date(2026, 11, 21))
    assert comparison(year, "same_days") == "previous"
    known = Period(date(2026, 1, 1), date(2026, 11, 20))
    assert compared(year, known, "same_days") == Period(date(2025, 2, 12), date(2026, 1, 1))
    assert comparison(month(date(2026, 11, 5)), "same_days") == "same_days"


def test_a_range_of_a_page_names_its_last_day() -> None:
    assert parse(name="", since="", until="", today=TODAY) == Period(date(2026, 11, 1), date(2026, 12, 1))
    assert parse(name="", since="2026-11-05", until="2026-11-05", today=TODAY).days == [date(2026, 11, 5)]
    for since, until in (
        ("2026-02-30", "2026-03-01"),
        ("yesterday", ""),
        ("2026-11-05", "2026-11-01"),
        ("0001-01-01", "9999-12-31"),
    ):
        with pytest.raises(BadQuestion):
            parse(name="", since=since, until=until, today=TODAY)
    with pytest.raises(BadQuestion):
        parse(name="for-ever", since="", until="", today=TODAY)


def test_intervals_have_nominal_names() -> None:
    assert period_name(date(2026, 11, 1), "week") == "2026-10-26"
    assert period_name(date(2026, 11, 1), "month") == "2026-11"
    assert period_name(date(2026, 11, 1), "total") == ""
    asked = Query(date(2026, 11, 1), date(2026, 11, 3), "week")
    start, end = period_span("2026-10-26", "week", asked)
    assert (start.date(), end.date()) == (date(2026, 10, 26), date(2026, 11, 2))


def test_the_defaults_are_this_month_until_tomorrow(now: object) -> None:
    assert (question().since, question().until) == (date(2026, 11, 1), date(2026, 11, 21))
    assert question(until=date(2026, 10, 5)).since == date(2026, 10, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_by": ("workspace__organization__admin_key",)},
        {"group_by": ("model", "model")},
        {"filters": {"__class__": ("x",)}},
        {"interval": "fortnight"},
        {"until": date(2026, 11, 1)},
    ],
)
def test_q02_q06_a_question_outside_the_list_is_refused(wrong: dict) -> None:
    with pytest.raises(BadQuestion):
        Query(**({"since": date(2026, 11, 1), "until": date(2026, 11, 2)} | wrong))


# -- pieces -------------------------------------------------------------------------------------------------------


def told(query: Query, *stale: date) -> list[str]:
    return [f"{piece.grain} {piece.since} {piece.until} {piece.by}".strip() for piece in pieces(query, stale)]


def test_whole_months_are_read_from_months_and_the_edges_from_days() -> None:
    year = Query(date(2025, 11, 21), date(2026, 11, 21), "total")
    assert told(year) == [
        "day 2025-11-21 2025-12-01",
        "month 2025-12-01 2026-11-01",
        "day 2026-11-01 2026-11-21",
    ]
    by_month = Query(date(2026, 9, 1), date(2026, 11, 1), "month")
    assert told(by_month) == ["month 2026-09-01 2026-11-01 month"]


def test_a_stale_month_is_read_from_its_days() -> None:
    autumn = Query(date(2026, 9, 1), date(2026, 12, 1), "total")
    assert told(autumn, date(2026, 10, 1)) == [
        "month 2026-09-01 2026-10-01",
        "day 2026-10-01 2026-11-01",
        "month 2026-11-01 2026-12-01",
    ]


@pytest.mark.parametrize("interval", ["hour", "day", "week"])
def test_finer_questions_are_read_from_days_alone(interval: str) -> None:
    assert told(Query(date(2026, 9, 1), date(2026, 12, 1), interval)) == ["day 2026-09-01 2026-12-01 day"]


@given(
    since=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    days=st.integers(1, 800),
    stale=st.sets(st.integers(0, 40), max_size=6),
    interval=st.sampled_from(["total", "month"]),
)
def test_pieces_cover_every_day_of_a_question_once(since: date, days: int, stale: set[int], interval: str) -> None:
    query = Query(since, since + timedelta(days=days), interval)
    months = [date(2024 + n // 12, n % 12 + 1, 1) for n in stale]
    covered = [
        piece.since + timedelta(days=offset)
        for piece in pieces(query, months)
        for offset in range((piece.until - piece.since).days)
    ]
    assert covered == [since + timedelta(days=offset) for offset in range(days)]
    for piece in pieces(query, months):
        if piece.grain == "month":
            assert piece.since.day == piece.until.day == 1
            assert not any(piece.since <= month < piece.until for month in months)
