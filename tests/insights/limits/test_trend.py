"""Days to limit: what daily peaks come to, worked by hand."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from costwatch.insights.limits.trend import Peak, Trend, trend

# A Friday.
TODAY = date(2026, 11, 20)


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


def line(first: int, a_day: int, weekends: int | None = None) -> list[Peak]:
    """Four weeks of peaks on a line, the weekends apart from it."""
    return [
        Peak(before(28 - day), weekends if weekends and before(28 - day).weekday() >= 5 else first + a_day * day, None)
        for day in range(28)
    ]


def made(peaks: list[Peak], limit: int | None, today: date = TODAY) -> Trend:
    found = trend(peaks, limit, today)
    assert found is not None
    return found


def test_peaks_that_rise_by_ten_a_day_reach_the_limit_when_the_rest_is_used_up() -> None:
    # 1,000 four weeks ago, 1,270 yesterday, so 1,280 today; 120 are left.
    found = made(line(1000, 10), 1400)
    assert (found.level, found.slope, found.days_known) == (1280, 10, 28)
    assert (found.earliest, found.middle, found.latest) == (12, 12, 12)
    assert found.dates == (date(2026, 12, 2), date(2026, 12, 2), date(2026, 12, 2))
    assert found.share == Fraction(32, 35)
    assert found.points_a_day == Fraction(5, 7)
    assert found.percent_a_day == Fraction(25, 32)
    assert not found.already


def test_quiet_weekends_neither_hide_nor_slow_a_rise() -> None:
    found = made(line(1000, 10, weekends=100), 1400)
    assert (found.level, found.slope, found.middle, found.days_known) == (1280, 10, 12, 20)
    without = [one for one in line(1000, 10) if one.day.weekday() < 5]
    assert made(without, 1400) == found


def test_a_weekday_with_less_than_half_the_usual_peak_of_the_busiest_is_quiet() -> None:
    assert made(line(1000, 0, weekends=500), 1400).days_known == 28
    assert made(line(1000, 0, weekends=499), 1400).days_known == 20


def test_the_band_takes_the_largest_and_the_least_slope_without_the_outer_tenths() -> None:
    # Two working weeks, Monday to Friday: 100 each day, then 7, 14, 21, 28, 35 more. The slopes are 1 to 5 a day.
    # Brought forward to Saturday at 3 a day: 136 133 130 127 124, 122 126 130 134 138; the median is 130.
    peaks = [Peak(date(2026, 11, 2 + day), 100, None) for day in range(5)]
    peaks += [Peak(date(2026, 11, 9 + day), 107 + 7 * day, None) for day in range(5)]
    found = made(peaks, 160, date(2026, 11, 14))
    assert (found.level, found.slope, found.days_known) == (130, 3, 10)
    assert (found.earliest, found.middle, found.latest) == (6, 10, 30)
    assert made(peaks, 161, date(2026, 11, 14)).middle == 11


def test_two_odd_days_widen_the_band_but_do_not_move_its_middle() -> None:
    # Monday and Tuesday of the last week are 5,000: six of 30 slopes, of which the outer tenth leaves 278 a day.
    peaks = [one for one in line(1000, 10) if one.day.weekday() < 5]
    odd = [Peak(one.day, 5000 if one.day in (before(4), before(3)) else one.peak, None) for one in peaks]
    found = made(odd, 1400)
    assert (found.level, found.earliest, found.middle, found.latest) == (1280, 1, 12, 12)


def test_flat_and_falling_peaks_never_reach_the_limit() -> None:
    flat, falling = made(line(1000, 0), 1400), made(line(1000, -10), 1400)
    assert (flat.level, flat.slope, flat.earliest, flat.middle, flat.latest) == (1000, 0, None, None, None)
    assert (falling.level, falling.slope, falling.dates) == (720, -10, (None, None, None))


def test_one_spike_moves_nothing_wherever_it_is() -> None:
    usual = made(line(1000, 10, weekends=100), 1400)
    for day in range(28):
        peaks = line(1000, 10, weekends=100)
        peaks[day] = Peak(peaks[day].day, 1_000_000, None)
        assert made(peaks, 1400) == usual


def test_what_lies_beyond_a_year_is_not_told() -> None:
    assert made(line(1000, 10), 1280 + 3650).middle == 365
    assert made(line(1000, 10), 1280 + 3651).middle is None


def test_a_level_at_the_limit_has_reached_it_even_when_it_falls() -> None:
    found = made(line(2000, -10), 1720)
    assert found.already
    assert (found.level, found.earliest, found.middle, found.latest) == (1720, 0, 0, 0)
    assert found.dates == (TODAY, TODAY, TODAY)
    assert not made(line(2000, -10), 1721).already


def test_a_peak_at_the_limit_of_its_day_is_counted_for_what_was_wanted_is_not_known() -> None:
    peaks = [Peak(one.day, one.peak, 1250) for one in line(1000, 10)]
    # 1,250, 1,260 and 1,270.
    assert made(peaks, 1400).days_at_limit == 3
    assert made(line(1000, 10), 1400).days_at_limit == 0


def test_too_few_days_no_limit_and_a_limit_of_nothing_have_no_trend() -> None:
    peaks = line(1000, 10)
    assert trend(peaks, None, TODAY) is None
    assert trend(peaks, 0, TODAY) is None
    assert trend([], 1400, TODAY) is None
    # Five pairs of a weekday and the same a week later need twelve days in a row.
    assert trend(peaks[-11:], 1400, TODAY) is None
    assert made(peaks[-12:], 1400).middle == 12
    # Mondays, Tuesdays and half of the Wednesdays of four weeks: plenty of pairs, of six days and of seven.
    ten = [one for one in peaks if one.day.weekday() in (0, 1)]
    assert trend(ten[:6], 1400, TODAY) is None
    assert made(ten[:7], 1400).middle == 12


def test_days_before_the_four_weeks_today_and_days_without_use_do_not_count() -> None:
    peaks = line(1000, 10)
    more = [Peak(before(29), 10**9, None), Peak(TODAY, 5, None), Peak(before(-1), 10**9, None)]
    assert made([*peaks, *more], 1400) == made(peaks, 1400)
    gaps = [Peak(one.day, 0 if one.day.weekday() == 2 else one.peak, None) for one in peaks]
    assert made(gaps, 1400).days_known == 24


peaks_of = st.lists(st.tuples(st.integers(1, 28), st.integers(1, 10**6)), unique_by=lambda one: one[0], max_size=28)
limits = st.integers(1, 2 * 10**6)


def as_days(peaks: list[tuple[int, int]], times: int = 1, later: int = 0) -> list[Peak]:
    return [Peak(before(days - later), peak * times, None) for days, peak in peaks]


@given(peaks_of, limits)
def test_the_band_holds_the_middle(peaks: list[tuple[int, int]], limit: int) -> None:
    found = trend(as_days(peaks), limit, TODAY)
    if found is None:
        return
    never = 10**9
    at = [never if days is None else days for days in (found.earliest, found.middle, found.latest)]
    assert at == sorted(at)
    assert found.already == (at == [0, 0, 0])


@given(peaks_of, limits, st.integers(2, 1000))
def test_peaks_and_limits_in_another_unit_come_to_the_same(
    peaks: list[tuple[int, int]], limit: int, times: int
) -> None:
    one, other = trend(as_days(peaks), limit, TODAY), trend(as_days(peaks, times), limit * times, TODAY)
    assert (one is None) == (other is None)
    if one and other:
        assert (one.share, one.points_a_day, one.dates) == (other.share, other.points_a_day, other.dates)


@given(peaks_of, limits, st.integers(-400, 400))
def test_all_days_earlier_or_later_come_to_the_same(peaks: list[tuple[int, int]], limit: int, later: int) -> None:
    one = trend(as_days(peaks), limit, TODAY)
    other = trend(as_days(peaks, later=later), limit, TODAY + timedelta(days=later))
    assert (one is None) == (other is None)
    if one and other:
        assert (one.level, one.slope, one.middle, one.days_known) == (
            other.level,
            other.slope,
            other.middle,
            other.days_known,
        )


@given(peaks_of, limits, st.randoms())
def test_the_order_of_the_days_does_not_matter(peaks: list[tuple[int, int]], limit: int, random: object) -> None:
    mixed = list(peaks)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert trend(as_days(mixed), limit, TODAY) == trend(as_days(peaks), limit, TODAY)
