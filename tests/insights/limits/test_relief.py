"""What would help a hot group: worked by hand, and against the twin."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from costwatch.directory import models
from costwatch.insights.limits import flows as names
from costwatch.insights.limits.examples import Example, examples
from costwatch.insights.limits.flows import Flow, Limiter, Part, Tokens
from costwatch.insights.limits.protecting import Protecting
from costwatch.insights.limits.relief import Contributor, Less, relief
from costwatch.insights.limits.twin import Batch, Caching, Change, Override, replay
from costwatch.ledger.limit_figures import LIMITERS

AWARE, INPUT, OUTPUT = "input_tokens_per_minute_cache_aware", "input_tokens_per_minute", "output_tokens_per_minute"
K1, K2, CONSOLE = Part("a", "k1", "m"), Part("b", "k2", "m"), Part("default", "console", "m")


def limiter(limit: int | None, name: str = AWARE, **overrides: int) -> Limiter:
    return Limiter(name, LIMITERS[name], limit, overrides)


def flow(part: Part, *minutes: tuple[int, int, int, int], reads_count: bool = False) -> Flow:
    assert part.api_key_id is not None
    assert part.model is not None
    by_place = {place: Tokens(*one) for place, one in enumerate(minutes)}
    return Flow(part.workspace_key, part.api_key_id, part.model, reads_count, by_place)


# Counted against the input limit: 50 + 20 + 10 = 80 in the first minute, 30 + 10 + 50 = 90 in the second.
FLOWS = [
    flow(K1, (40, 10, 0, 5), (30, 0, 0, 3)),
    flow(K2, (20, 0, 20, 2), (5, 5, 30, 1)),
    flow(CONSOLE, (10, 0, 0, 1), (50, 0, 0, 9)),
]


def test_the_peak_minute_is_told_by_who_made_it() -> None:
    found = relief(FLOWS, limiter(100))
    assert found is not None
    assert (found.peak, found.peak_at, found.limit) == (90, 1, 100)
    assert found.contributors == (
        Contributor(CONSOLE, 50, Fraction(5, 9)),
        Contributor(K1, 30, Fraction(1, 3)),
        Contributor(K2, 10, Fraction(1, 9)),
    )


def test_the_peak_with_a_key_in_batches_is_that_of_all_minutes_and_the_console_has_no_batches() -> None:
    found = relief(FLOWS, limiter(100))
    assert found is not None
    assert [(one.part, one.less) for one in found.batched] == [
        (Part("a", "k1"), Less(tokens=30, peak=60, peak_at=1)),
        (Part("b", "k2"), Less(tokens=10, peak=80, peak_at=1)),
    ]
    assert found.all_batched == Less(tokens=40, peak=50, peak_at=1)
    # With a quieter second minute in the Console the first is the peak that is left.
    quiet = [*FLOWS[:2], flow(CONSOLE, (10, 0, 0, 1), (41, 0, 0, 9))]
    found = relief(quiet, limiter(100))
    assert found is not None
    assert found.batched[1].less == Less(tokens=10, peak=71, peak_at=1)
    found = relief(FLOWS[:2], limiter(100))
    assert found is not None
    assert found.all_batched == Less(tokens=70, peak=0, peak_at=None)


def test_a_key_is_held_against_the_one_that_caches_best() -> None:
    # The second reads 50 of 80 from the cache, the first none of 80: 50 of its 70 uncached tokens are 71 %.
    found = relief(FLOWS, limiter(100))
    assert found is not None
    (cached,) = found.cached
    assert (cached.part, cached.uncached_input) == (K1, 30)
    assert cached.example == Example(K2, share=Fraction(5, 8), share_now=Fraction(0), percent=71)
    assert cached.less == found.all_cached == Less(tokens=21, peak=69, peak_at=1)


def test_a_small_key_another_model_and_the_console_are_no_examples() -> None:
    small = flow(Part("b", "k2", "m"), (1, 0, 6, 0))
    assert examples([flow(K1, (71, 0, 0, 0)), small]) == {}
    assert examples([flow(K1, (70, 0, 0, 0)), small])[K1].percent == 85
    assert examples([FLOWS[0], flow(Part("b", "k2", "other"), (5, 0, 500, 0))]) == {}
    assert examples([FLOWS[0], flow(CONSOLE, (5, 0, 500, 0))]) == {}


def test_caching_takes_nothing_off_where_reads_count_nor_off_the_output() -> None:
    counting = [replace(one, reads_count=True) for one in FLOWS]
    for flows, one in ((counting, limiter(100, INPUT)), (FLOWS, limiter(100, OUTPUT))):
        found = relief(flows, one)
        assert found is not None
        assert found.cached == ()
        assert found.all_cached == Less(0, found.peak, found.peak_at)
    found = relief(counting, limiter(100, AWARE))
    assert found is not None
    assert len(found.cached) == 1


def test_which_limit_would_protect_whom() -> None:
    # 90 of 100 in the second minute: 10 are too many. The default workspace cannot be limited; without all of b's 10
    # nothing is left for it; a at 20 would refuse 30 in the first minute and 10 in the second.
    found = relief(FLOWS, limiter(100))
    assert found is not None
    assert found.protecting == (
        Protecting("default", False, None, 0, 0, (("a", 1), ("b", 1))),
        Protecting("a", True, 20, 2, 40, (("b", 1), ("default", 1))),
        Protecting("b", True, None, 0, 0, (("a", 1), ("default", 1))),
    )


def test_a_cap_is_below_the_limit_in_force_and_above_nothing() -> None:
    # 95 of 100. The first has 20 of its own and used 50: 35 would be little enough, but only less than 20 is a change.
    found = relief([flow(K1, (50, 0, 0, 0)), flow(K2, (45, 0, 0, 0))], limiter(100, a=20))
    assert found is not None
    assert [(one.workspace_key, one.cap, one.refused) for one in found.protecting] == [("a", 19, 31), ("b", 30, 15)]
    for rest, cap in ((79, 1), (80, None)):
        found = relief([flow(K1, (16, 0, 0, 0)), flow(CONSOLE, (rest, 0, 0, 0))], limiter(100))
        assert found is not None
        assert found.protecting[1].cap == cap


def test_a_pool_within_eighty_per_cent_and_one_without_a_limit_need_no_protection() -> None:
    for limit in (113, None):
        found = relief(FLOWS, limiter(limit))
        assert found is not None
        assert found.protecting == ()


def test_one_workspace_is_told_of_its_own_minutes() -> None:
    found = relief(FLOWS, limiter(100, a=60), "a")
    assert found is not None
    assert (found.limit, found.peak, found.peak_at) == (60, 50, 0)
    assert found.contributors == (Contributor(K1, 50, Fraction(1)),)
    assert found.batched[0].less == Less(50, 0, None)
    # The example is of another workspace: 71 % of 40 in the first minute are 28.
    assert found.cached[0].less == Less(28, 22, 0)
    assert found.protecting == ()
    assert relief(FLOWS, limiter(100), "elsewhere") is None
    assert relief([], limiter(100)) is None


def test_only_the_largest_are_told() -> None:
    found = relief(FLOWS, limiter(100), largest=1)
    assert found is not None
    assert ([one.part for one in found.batched], len(found.protecting)) == ([Part("a", "k1")], 1)
    assert found.all_batched == found.batched[0].less
    assert len(found.contributors) == 3


def test_names_are_those_of_the_directory() -> None:
    assert names.ORGANIZATION == models.ORGANIZATION_WIDE
    assert names.DEFAULT_WORKSPACE == models.DEFAULT_WORKSPACE
    assert names.CONSOLE_KEY == models.CONSOLE_KEY


tokens = st.builds(Tokens, *[st.integers(0, 40)] * 4)
parts = st.builds(
    Part, st.sampled_from(["a", "b", "default"]), st.sampled_from(["k1", "k2", "console"]), st.sampled_from("mn")
)
some_flows = st.dictionaries(parts, st.dictionaries(st.integers(0, 3), tokens), max_size=8).map(
    lambda made: [Flow(one.workspace_key, str(one.api_key_id), str(one.model), False, of) for one, of in made.items()]
)
some_limiters = st.builds(
    lambda name, limit, own: Limiter(name, LIMITERS[name], limit, {} if own is None else {"a": own}),
    st.sampled_from([AWARE, OUTPUT]),
    st.integers(1, 200),
    st.none() | st.integers(1, 200),
)


@given(some_flows, some_limiters)
def test_the_twin_comes_to_the_same(flows: list[Flow], one: Limiter) -> None:
    def after(*changes: Change) -> tuple[int, int | None]:
        line = replay(flows, [one], changes)[0]
        return (line.after.peak, line.after.peak_at) if line.after else (0, None)

    found = relief(flows, one)
    if found is None:
        assert after() == (0, None)
        return
    assert (found.peak, found.peak_at) == after()
    assert sum(contributor.tokens for contributor in found.contributors) == found.peak
    assert sum(contributor.share for contributor in found.contributors) == 1
    for batched in found.batched:
        assert (batched.less.peak, batched.less.peak_at) == after(Batch(batched.part, 100))
    for cached in found.cached:
        change = Caching(cached.part, cached.example.percent)
        assert (cached.less.peak, cached.less.peak_at) == after(change)
    every = [Batch(batched.part, 100) for batched in found.batched]
    assert (found.all_batched.peak, found.all_batched.peak_at) == after(*every)


@given(some_flows, some_limiters)
def test_a_cap_that_protects_is_the_largest_that_does(flows: list[Flow], one: Limiter) -> None:
    found = relief(flows, one)
    for each in found.protecting if found else ():
        if not each.can_be_limited:
            assert (each.workspace_key, each.cap) == ("default", None)
            continue
        limit = one.limit_of(each.workspace_key)
        assert limit is not None
        enough = []
        for cap in range(1, limit):
            line = replay(flows, [one], [Override(each.workspace_key, one.name, cap)])[0]
            if line.after is None or line.after.minutes_over_80 == 0:
                enough.append((cap, line.minutes_refused, line.refused))
        assert (each.cap, each.minutes, each.refused) == (enough[-1] if enough else (None, 0, 0))
