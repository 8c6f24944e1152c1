"""The limits twin: worked by hand, and against dictionaries that know nothing of the code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.insights.limits.flows import Flow, Limiter, Part, Tokens
from costwatch.insights.limits.twin import BadChange, Batch, Caching, Change, Line, Override, replay
from tests.insights.limits.naive import (
    AWARE,
    INPUT,
    OUTPUT,
    Case,
    cases,
    flow,
    limiter,
    naive_counts,
    naive_limit,
    naive_served,
)

A1 = Part("a", "k1")


def brief(line: Line) -> tuple[object, ...]:
    """A line as one row: whose, its limits, the peaks and the minutes over 80, 95 and 100 %, and what is refused."""

    def figures(one: object) -> object:
        names = ("peak", "peak_at", "minutes_active", "minutes_over_80", "minutes_over_95", "minutes_over_100")
        return one and tuple(getattr(one, name) for name in names)

    limits = (line.limit_before, line.limit_after)
    return (line.workspace_key, limits, figures(line.before), figures(line.after), line.refused, line.minutes_refused)


# 95, 40 and 110 in all.
FLOWS = [flow("a", "k1", 50, 30, 60), flow("b", "k2", 45, 10, 50)]


def test_a_cap_refuses_what_is_above_it_and_moves_nothing_to_later() -> None:
    assert [brief(line) for line in replay(FLOWS, [limiter(100, a=60)], [Override("b", AWARE, 20)])] == [
        ("", (100, 100), (110, 2, 3, 2, 1, 1), (80, 2, 3, 0, 0, 0), 55, 2),
        ("a", (60, 60), (60, 2, 3, 2, 1, 0), (60, 2, 3, 2, 1, 0), 0, 0),
        ("b", (100, 20), (50, 2, 3, 0, 0, 0), (20, 0, 3, 2, 2, 0), 55, 2),
    ]


def test_a_raise_refuses_nothing_and_counts_no_further_than_the_limit_of_the_organization() -> None:
    lines = replay(FLOWS, [limiter(100, a=40)], [Override("a", AWARE, 300)])
    assert brief(lines[1]) == ("a", (40, 100), (60, 2, 3, 2, 2, 2), (60, 2, 3, 0, 0, 0), 0, 0)
    # 60 were used with a limit of 40; they are not refused with one of 50.
    assert replay(FLOWS, [limiter(100, a=40)], [Override("a", AWARE, 50)])[1].refused == 0


def test_a_batched_share_leaves_every_minute_and_the_rest_is_rounded_up() -> None:
    lines = replay(FLOWS, [limiter(100)], [Batch(A1, 25)])
    assert brief(lines[0]) == ("", (100, 100), (110, 2, 3, 2, 1, 1), (95, 2, 3, 2, 0, 0), 0, 0)
    # 38 of 50, 23 of 30 and 45 of 60.
    assert brief(lines[1]) == ("a", (100, 100), (60, 2, 3, 0, 0, 0), (45, 2, 3, 0, 0, 0), 0, 0)
    gone = replay(FLOWS, [limiter(100)], [Batch(Part("a"), 100)])
    assert (gone[1].after, gone[0].after and gone[0].after.peak) == (None, 50)


def test_what_has_no_api_key_is_neither_batched_nor_cached() -> None:
    flows = [flow("default", "console", 64), flow("default", "k1", 20)]
    for part in (Part("default"), Part("default", "console"), Part("default", "console", "m")):
        for change in (Batch(part, 50), Caching(part, 50)):
            (pool, _) = replay(flows, [limiter(100)], [change])
            # Of 84 only the key's half can go.
            assert pool.after is not None
            assert pool.after.peak == (74 if part == Part("default") else 84)


def test_cached_input_counts_only_where_reads_do_and_comes_after_the_batch() -> None:
    def peaks(reads_count: bool, *changes: Change) -> list[int | None]:
        one = Flow("a", "k1", "m", reads_count, {0: Tokens(99, 10, 5, 7)})
        lines = replay([one], [limiter(None, AWARE), limiter(None, INPUT), limiter(None, OUTPUT)], changes)
        return [line.after.peak if line.after else None for line in lines if line.workspace_key]

    assert peaks(False) == [109, 109, 7]
    assert peaks(False, Caching(A1, 50)) == [60, 60, 7]
    assert peaks(True, Caching(A1, 50)) == [60, 114, 7]
    # Half is batched: 50, 5, 3 and 4 are left; a third of the 50 is read instead.
    assert peaks(True, Caching(A1, 33), Batch(A1, 50)) == [39, 58, 4]


def test_of_two_batches_of_the_same_use_the_larger_applies() -> None:
    twice = replay(FLOWS, [limiter(100)], [Batch(A1, 25), Batch(Part("a"), 10), Batch(Part("a", "k1", "m"), 20)])
    assert twice == replay(FLOWS, [limiter(100)], [Batch(A1, 25)])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([Batch(A1, 101)], "not between"),
        ([Caching(A1, -1)], "not between"),
        ([Override("default", AWARE, 5)], "default"),
        ([Override("", AWARE, 5)], "default"),
        ([Override("a", AWARE, -1)], "below 0"),
        ([Override("a", "requests_per_minute", 5)], "no limiter is called requests_per_minute"),
        ([Override("a", AWARE, 5), Override("a", AWARE, 6)], "twice"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(changes: list[Change], why: str) -> None:
    with pytest.raises(BadChange, match=why):
        replay(FLOWS, [limiter(100)], changes)


@st.composite
def changes_of(draw: st.DrawFn, limits: list[Limiter]) -> list[Change]:
    parts = st.builds(
        Part, st.sampled_from(["a", "b", "default"]), st.none() | st.sampled_from(["k1", "k2", "k3"]), st.none()
    )
    shifts = st.lists(st.builds(Batch, parts, st.integers(0, 100)) | st.builds(Caching, parts, st.integers(0, 100)))
    overrides = st.lists(
        st.builds(Override, st.sampled_from("ab"), st.sampled_from([one.name for one in limits]), st.integers(0, 70)),
        unique_by=lambda one: (one.workspace_key, one.limiter),
        max_size=3,
    )
    return [*draw(shifts), *draw(overrides)]


@given(cases(), st.data())
def test_a_replay_equals_a_scan_of_every_minute(case: Case, data: st.DataObject) -> None:
    flows, limits = case
    changes = data.draw(changes_of(limits))
    lines = {(line.limiter, line.workspace_key): line for line in replay(flows, limits, changes)}
    names = {"", *(each.workspace_key for each in flows)}
    assert set(lines) == {(one.name, name) for one in limits for name in names}
    for one in limits:
        wanted, served = naive_counts(flows, one, changes), naive_served(flows, one, changes)
        for name in names:
            line, limit = lines[one.name, name], naive_limit(one, name, changes)
            assert (float("inf") if line.limit_after is None else line.limit_after) == limit
            places = [
                sum(count for (whose, at), count in served.items() if at == place and name in ("", whose))
                for place in range(4)
            ]
            held = [
                sum(wanted[where] - served[where] for where in served if where[1] == place and name in ("", where[0]))
                for place in range(4)
            ]
            assert (line.refused, line.minutes_refused) == (sum(held), len([one for one in held if one]))
            if not any(places):
                assert line.after is None
                continue
            assert line.after is not None
            assert (line.after.peak, line.after.peak_at) == (max(places), places.index(max(places)))
            assert line.after.minutes_active == len([one for one in places if one])
            over = [len([one for one in places if one * 20 > limit * share]) for share in (16, 19, 20)]
            assert [line.after.minutes_over_80, line.after.minutes_over_95, line.after.minutes_over_100] == over


@given(cases())
def test_no_change_leaves_all_as_it_is(case: Case) -> None:
    for line in replay(*case, []):
        assert (line.before, line.limit_before, line.refused) == (line.after, line.limit_after, 0)


@given(cases(), st.data())
def test_another_change_never_fills_a_minute(case: Case, data: st.DataObject) -> None:
    flows, limits = case
    changes = data.draw(changes_of(limits))
    if not changes:
        return
    for one in limits:
        fewer, more = naive_served(flows, one, changes[:-1]), naive_served(flows, one, changes)
        assert all(more[where] <= fewer[where] for where in more)
    for few, many in zip(replay(flows, limits, changes[:-1]), replay(flows, limits, changes), strict=True):
        assert (many.after.peak if many.after else 0) <= (few.after.peak if few.after else 0)
