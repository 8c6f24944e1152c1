"""Planning is pure: states and times in, windows out."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.clock import DAY, HOUR
from costwatch.ingest.pace import MINUTES as MINUTES_BUDGET
from costwatch.ingest.pace import USAGE as USAGE_BUDGET
from costwatch.ingest.pace import affordable
from costwatch.ingest.plan import Cadence, Planned, Standing, Why, due, polled, settles, starts, windows
from costwatch.ingest.sources import COST, USAGE
from costwatch.ingest.split import Names, Negative, carried, facts
from costwatch.ledger.dimensions import UsageDims
from costwatch.upstream.pages import Window

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def test_missing_hours_come_newest_first_and_include_the_one_under_way() -> None:
    found = due({}, since=MIDNIGHT - HOUR, now=NOW, cadence=USAGE.cadence)
    assert next(iter(found)).hour == 14
    assert list(found)[-1] == MIDNIGHT - HOUR
    assert (len(found), set(found.values())) == (16, {Why.RECENT})


def test_hours_that_were_never_read_are_history_unless_they_are_of_the_newest_two_days() -> None:
    found = due({}, since=MIDNIGHT - 3 * DAY, now=NOW, cadence=USAGE.cadence)
    assert list(found.values()).count(Why.RECENT) == 49
    assert found[MIDNIGHT - 3 * DAY] == Why.MISSING


def test_a_window_holds_what_one_request_answers_and_ends_at_a_midnight() -> None:
    made = spans(starts(MIDNIGHT - 20 * DAY, NOW, HOUR), USAGE.cadence)
    assert [(one.end - one.start) // HOUR for one in made] == [15 + 6 * 24, 7 * 24, 7 * 24]
    assert all(one.start.hour == 0 for one in made)
    assert [(one.end - one.start) // DAY for one in spans(starts(MIDNIGHT - 399 * DAY, NOW, DAY), COST.cadence)] == [
        31
    ] * 12 + [28]


def test_windows_of_different_reasons_are_apart_and_the_newest_hours_are_one_question() -> None:
    buckets = {MIDNIGHT - hour * HOUR: Why.RECENT if hour < 48 else Why.AGAIN for hour in range(96)}
    made = windows(buckets, USAGE.cadence, lambda why: 168 if why == Why.RECENT else 24)
    assert [((one.window.end - one.window.start) // HOUR, one.why) for one in made] == [
        (48, "recent"),
        (1, "again"),
        (24, "again"),
        (23, "again"),
    ]


def spans(buckets: Iterable[datetime], cadence: Cadence) -> list[Window]:
    return [one.window for one in windows(dict.fromkeys(buckets, Why.MISSING), cadence)]


@given(st.sets(st.integers(0, 400), max_size=80))
def test_windows_cover_exactly_the_hours_asked_for(hours: set[int]) -> None:
    made = spans([MIDNIGHT - hour * HOUR for hour in hours], USAGE.cadence)
    covered = [one.start + HOUR * n for one in made for n in range((one.end - one.start) // HOUR)]
    assert sorted(covered) == sorted(MIDNIGHT - hour * HOUR for hour in hours)
    assert all((one.end - one.start) // HOUR <= 168 for one in made)


@pytest.mark.parametrize(
    ("age_hours", "read_hours_ago", "expected"),
    [
        (1, 0, False),
        (1, 1, True),
        (5, 0.04, False),
        (5, 0.05, True),
        (100, 5, False),
        (100, 7, True),
        (20 * 24, 23, False),
        (20 * 24, 25, True),
        (80 * 24, 29 * 24, False),
        (80 * 24, 31 * 24, True),
        (100 * 24, 60 * 24, False),
    ],
)
def test_a_settled_hour_is_read_again_by_its_age(age_hours: int, read_hours_ago: float, expected: bool) -> None:
    end = NOW - timedelta(hours=age_hours)
    known = {end - HOUR: Standing(end, is_open=False, last_read_at=NOW - timedelta(hours=read_hours_ago))}
    assert ((end - HOUR) in due(known, since=end - HOUR, now=NOW, cadence=USAGE.cadence)) is expected


def test_a_slower_pace_reads_the_newest_hours_less_often() -> None:
    end = NOW - HOUR
    known = {end - HOUR: Standing(end, is_open=True, last_read_at=NOW - timedelta(minutes=4))}
    asked = {"since": end - HOUR, "now": NOW}
    assert (end - HOUR) in due(known, cadence=USAGE.cadence, **asked)
    assert (end - HOUR) not in due(known, cadence=USAGE.cadence.paced(0.5), **asked)


def test_a_total_that_differed_is_asked_for_again_once_an_hour() -> None:
    end = NOW - 7 * HOUR
    for minutes, expected in ((20, {}), (60, {end - HOUR: Why.SETTLING})):
        read_at = NOW - timedelta(minutes=minutes)
        known = {end - HOUR: Standing(end, is_open=True, last_read_at=read_at, differed=True)}
        found = due(known, since=end - HOUR, now=NOW, cadence=USAGE.cadence)
        assert {start: why for start, why in found.items() if why == Why.SETTLING} == expected


def test_ing_12_a_reason_that_used_its_share_of_the_hour_waits_and_history_does_not() -> None:
    whys = [Why.RECENT, Why.SETTLING, Why.AGAIN, Why.AGAIN, Why.MISSING, Why.MISSING]
    planned = [Planned(Window(MIDNIGHT - (n + 1) * HOUR, MIDNIGHT - n * HOUR), why) for n, why in enumerate(whys)]

    def allowed(asked: dict[str, int], per_hour: int = 60) -> list[Why]:
        return [one.why for one in affordable(planned, asked, USAGE_BUDGET, per_hour)]

    assert allowed({}) == whys
    assert allowed({"again": 4}) == [Why.RECENT, Why.SETTLING, Why.AGAIN, Why.MISSING, Why.MISSING]
    assert allowed({"again": 8, "recent": 20, "settling": 5}) == [Why.MISSING, Why.MISSING]
    assert allowed({"recent": 10}, per_hour=30) == [Why.SETTLING, Why.AGAIN, Why.MISSING, Why.MISSING]


def test_ing_12_the_hour_of_an_endpoint_is_divided_without_a_question_too_many() -> None:
    assert sum(USAGE_BUDGET.shares.values()) == 36
    assert USAGE_BUDGET.together + MINUTES_BUDGET.together == 58
    # The daily look back at minutes takes the place of two polls.
    window = Planned(Window(MIDNIGHT, MIDNIGHT + HOUR), Why.RECENT)
    assert affordable([window], {"recent": 20, "again": 4}, MINUTES_BUDGET, 60) == []
    assert affordable([window], {"recent": 18, "again": 4}, MINUTES_BUDGET, 60) == [window]


def test_an_hour_that_waits_to_be_settled_is_polled_all_the_same() -> None:
    known = {
        NOW - hour * HOUR - timedelta(minutes=5): Standing(
            NOW - (hour - 1) * HOUR - timedelta(minutes=5), is_open=hour in (9, 30), last_read_at=NOW - 3 * HOUR / 60
        )
        for hour in range(1, 48)
    }
    asked = {"since": MIDNIGHT - 3 * DAY, "now": NOW, "cadence": USAGE.cadence}
    assert [start for start, why in due(known, **asked).items() if why == Why.SETTLING] == [
        NOW - 9 * HOUR - timedelta(minutes=5),
        NOW - 30 * HOUR - timedelta(minutes=5),
    ]
    (poll,) = windows(polled(known, **asked), USAGE.cadence)
    assert (poll.why, (poll.window.end - poll.window.start) // HOUR) == (Why.RECENT, 49)


def test_hours_that_settle_are_one_window_whatever_lies_between() -> None:
    found = windows({MIDNIGHT - hour * HOUR: Why.SETTLING for hour in (1, 5, 30)}, USAGE.cadence)
    assert [one.window for one in found] == [Window(MIDNIGHT - 30 * HOUR, MIDNIGHT)]


def test_an_open_hour_is_due_at_once_when_its_six_hours_are_over() -> None:
    end = NOW - 6 * HOUR
    known = {end - HOUR: Standing(end, is_open=True, last_read_at=NOW)}
    assert (end - HOUR) in due(known, since=end - HOUR, now=NOW, cadence=USAGE.cadence)


@pytest.mark.parametrize(
    ("hours_after_end", "equal_reads", "first_read_hours_after", "expected"),
    [
        (5.99, 9, 0, False),
        (6, 1, 0, False),
        (6, 2, 0, True),
        (24 * 7, 1, 24 * 7, True),
        (24 * 7, 1, 24 * 7 - 1, False),
    ],
)
def test_ing_07_a_bucket_settles_after_six_hours_and_two_equal_reads(
    hours_after_end: float, equal_reads: int, first_read_hours_after: float, expected: bool
) -> None:
    end = MIDNIGHT
    assert (
        settles(
            end=end,
            now=end + timedelta(hours=hours_after_end),
            first_read_at=end + timedelta(hours=first_read_hours_after),
            equal_reads=equal_reads,
        )
        is expected
    )


KEY = ("apikey_1", None, "claude-opus-5-5", "standard", "global")


def test_the_standard_part_is_the_base_minus_its_splitters() -> None:
    made = facts(
        {KEY: (100, 0, 0, 0, 50, 3)},
        fast={KEY: (30, 0, 0, 0, 10, 1)},
        long={KEY: (20, 0, 0, 0, 5, 0)},
        fast_long={KEY: (4, 0, 0, 0, 1, 0)},
    )
    dims = UsageDims("apikey_1", "default", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    assert made == {
        dims: (54, 0, 0, 0, 36, 2),
        dims._replace(speed="fast"): (26, 0, 0, 0, 9, 1),
        dims._replace(context_window="200k-1M"): (16, 0, 0, 0, 4, 0),
        dims._replace(speed="fast", context_window="200k-1M"): (4, 0, 0, 0, 1, 0),
    }


def test_a_chain_that_was_not_read_leaves_its_dimension_unreported() -> None:
    assert facts({KEY: (1, 0, 0, 0, 0, 0)}, fast={}) == {
        UsageDims("apikey_1", "default", "claude-opus-5-5", "standard", "", "global", "standard"): (1, 0, 0, 0, 0, 0)
    }


def test_the_default_workspace_by_null_and_by_its_real_id_is_one() -> None:
    real = ("apikey_1", "wrkspc_real", "claude-opus-5-5", "standard", "global")
    made = facts({KEY: (1, 0, 0, 0, 0, 0), real: (2, 0, 0, 0, 0, 0)}, names=Names("wrkspc_real"))
    assert list(made.values()) == [(3, 0, 0, 0, 0, 0)]


def test_a_base_that_grew_keeps_what_is_stored_as_split_and_the_rest_is_plain() -> None:
    dims = UsageDims("apikey_1", "default", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    stored = {
        dims._replace(speed="fast"): (26, 0, 0, 0, 9, 1),
        dims._replace(context_window="200k-1M"): (16, 0, 0, 0, 4, 0),
    }
    made = carried({KEY: (100, 0, 0, 0, 50, 3)}, stored, names=Names(), speed="standard", window="0-200k")
    assert made == {dims: (58, 0, 0, 0, 37, 2), **stored}


@pytest.mark.parametrize(
    ("counts", "speed"), [((25, 0, 0, 0, 9, 1), "fast"), ((100, 0, 0, 0, 50, 3), "")], ids=["exceeds", "other naming"]
)
def test_what_is_stored_and_does_not_explain_the_base_is_read_again(counts: tuple, speed: str) -> None:
    dims = UsageDims("apikey_1", "default", "claude-opus-5-5", "standard", "", "global", speed)
    with pytest.raises(Negative):
        carried({KEY: counts}, {dims: (26, 0, 0, 0, 9, 1)}, names=Names(), speed="standard", window="")


def test_a_splitter_that_exceeds_the_base_is_not_subtracted() -> None:
    with pytest.raises(Negative):
        facts({KEY: (1, 0, 0, 0, 0, 0)}, fast={KEY: (2, 0, 0, 0, 0, 0)})


@given(
    st.lists(st.integers(0, 10**15), min_size=6, max_size=6), st.lists(st.integers(0, 100), min_size=18, max_size=18)
)
def test_ing_18_the_facts_of_a_bucket_sum_to_its_base(base: list[int], shares: list[int]) -> None:
    both = tuple(n * min(s, 20) // 100 for n, s in zip(base, shares[:6], strict=True))
    fast = tuple(b + (n - b) * min(s, 40) // 100 for n, b, s in zip(base, both, shares[6:12], strict=True))
    long = tuple(b + (n - f) * min(s, 40) // 100 for n, b, f, s in zip(base, both, fast, shares[12:], strict=True))
    made = facts({KEY: tuple(base)}, fast={KEY: fast}, long={KEY: long}, fast_long={KEY: both})  # type: ignore[dict-item]
    assert [sum(counts[i] for counts in made.values()) for i in range(6)] == base
