"""The twin once more, by other means: dictionaries by workspace and minute, every subset, every strength."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations
from math import ceil

from hypothesis import strategies as st

from costwatch.insights.limits.flows import Flow, Limiter, Part, Tokens
from costwatch.insights.limits.twin import Batch, Caching, Change, Override
from costwatch.ledger.limit_figures import LIMITERS

AWARE, INPUT, OUTPUT = "input_tokens_per_minute_cache_aware", "input_tokens_per_minute", "output_tokens_per_minute"


def limiter(limit: int | None, name: str = AWARE, **overrides: int) -> Limiter:
    return Limiter(name, LIMITERS[name], limit, overrides)


def flow(workspace: str, key: str, *uncached: int) -> Flow:
    return Flow(workspace, key, "m", False, {place: Tokens(one, 0, 0, 0) for place, one in enumerate(uncached)})


Case = tuple[list[Flow], list[Limiter]]


def naive_counts(flows: list[Flow], one: Limiter, changes: Sequence[Change]) -> dict[tuple[str, int], int]:
    """What each workspace uses in each minute under batches and caching."""
    counts: dict[tuple[str, int], int] = {}
    for flow in flows:
        batch = cache = 0
        for change in changes if flow.api_key_id != "console" else ():
            if isinstance(change, Override) or change.part.workspace_key != flow.workspace_key:
                continue
            if change.part.api_key_id not in (None, flow.api_key_id) or change.part.model not in (None, flow.model):
                continue
            if isinstance(change, Batch):
                batch = max(batch, change.percent)
            else:
                cache = max(cache, change.percent)
        for place, tokens in flow.minutes.items():
            uncached, writes, reads, output = (ceil(count * (100 - batch) / 100) for count in tokens)
            moved = int(uncached * cache / 100)
            input_tokens = uncached - moved + writes
            if one.name == INPUT and flow.reads_count:
                input_tokens += reads + moved
            where = (flow.workspace_key, place)
            counts[where] = counts.get(where, 0) + (output if one.name == OUTPUT else input_tokens)
    return counts


def naive_limit(one: Limiter, workspace: str, changes: Sequence[Change]) -> float:
    own = one.overrides.get(workspace, float("inf"))
    for change in changes:
        if isinstance(change, Override) and (change.workspace_key, change.limiter) == (workspace, one.name):
            own = change.value
    return min(own, float("inf") if one.organization is None else one.organization)


def naive_served(flows: list[Flow], one: Limiter, changes: Sequence[Change]) -> dict[tuple[str, int], float]:
    """What each workspace gets in each minute: what it uses, up to a limit that is lower than the one of now."""
    served: dict[tuple[str, int], float] = {}
    for (workspace, place), count in naive_counts(flows, one, changes).items():
        now, then = naive_limit(one, workspace, ()), naive_limit(one, workspace, changes)
        served[workspace, place] = min(count, then) if then < now else count
    return served


def naive_holds(case: Case, chosen: str, changes: Sequence[Change]) -> bool:
    flows, limiters = case
    for one in limiters:
        served = naive_served(flows, one, changes)
        for place in {at for _, at in served}:
            pool = sum(count for (_, at), count in served.items() if at == place)
            if one.organization is not None and pool * 5 > one.organization * 4:
                return False
            if served.get((chosen, place), 0) * 5 > naive_limit(one, chosen, changes) * 4:
                return False
    return True


def naive_fullest(case: Case, chosen: str, changes: Sequence[Change]) -> Fraction:
    """How full the fullest minute is, of the chosen workspace and the organization, in per cent."""
    flows, limiters = case
    shares = [Fraction(0)]
    for one in limiters:
        served = naive_served(flows, one, changes)
        for place in {at for _, at in served}:
            pool, own = sum(count for (_, at), count in served.items() if at == place), served.get((chosen, place), 0)
            for use, limit in ((pool, one.organization), (own, naive_limit(one, chosen, changes))):
                if use and limit is not None and limit < float("inf"):
                    shares.append(Fraction(int(use) * 100, int(limit)) if limit else Fraction(100))
    return max(shares)


def naive_levers(case: Case, chosen: str) -> list[list[Change]]:
    """All that could be changed, each from its weakest to its strongest."""
    flows, limiters = case
    levers: list[list[Change]] = []
    for one in limiters:
        now = naive_limit(one, chosen, ())
        if chosen != "default" and now < (one.organization or 0):
            raised = range(int(now) + 1, (one.organization or 0) + 1)
            levers.append([Override(chosen, one.name, value) for value in raised])
        for workspace in sorted({flow.workspace_key for flow in flows} - {chosen, "default"}):
            limit = naive_limit(one, workspace, ())
            if 1 < limit < float("inf"):
                levers.append([Override(workspace, one.name, value) for value in range(int(limit) - 1, 0, -1)])
    keys = {(flow.workspace_key, flow.api_key_id) for flow in flows if flow.api_key_id != "console"}
    levers += [[Batch(Part(*key), percent) for percent in range(1, 101)] for key in sorted(keys)]
    for flow in flows:
        top = naive_caching(flow, flows)
        if top:
            part = Part(flow.workspace_key, flow.api_key_id, flow.model)
            levers.append([Caching(part, percent) for percent in range(1, top + 1)])
    return levers


def naive_caching(flow: Flow, flows: list[Flow]) -> int:
    """The largest share of a flow's uncached input with which it reads no more of its input than the best other."""

    def sums(one: Flow) -> tuple[int, int, int]:
        uncached, writes, reads = (sum(tokens[kind] for tokens in one.minutes.values()) for kind in range(3))
        return uncached, reads, uncached + writes + reads

    uncached, reads, whole = sums(flow)
    others = [
        sums(one)[1:]
        for one in flows
        if one is not flow and one.model == flow.model and one.api_key_id != "console" and sums(one)[2] * 10 >= whole
    ]
    best, of = max(((r, w) for r, w in others if w), key=lambda one: one[0] / one[1], default=(0, 1))
    if flow.api_key_id == "console" or not uncached:
        return 0
    return max((p for p in range(1, 101) if (100 * reads + uncached * p) * of <= 100 * best * whole), default=0)


def naive_effect(case: Case, changes: Sequence[Change]) -> int:
    """Hundredths of tokens out of the pool, each change alone."""
    flows, limiters = case
    effect = 0
    for change in changes:
        for one in limiters:
            counts = naive_counts(flows, one, ())
            if isinstance(change, Override):
                now, then = (naive_limit(one, change.workspace_key, some) for some in ((), (change,)))
                if then < now:
                    mine = [count for (name, _), count in counts.items() if name == change.workspace_key]
                    effect += sum(100 * (count - int(then)) for count in mine if count > then)
            else:
                full = type(change)(change.part, 100)
                gone = sum(counts.values()) - sum(naive_counts(flows, one, (full,)).values())
                effect += change.percent * gone
    return effect


def naive_weakest(case: Case, chosen: str, levers: Sequence[list[Change]]) -> Iterator[list[Change]]:
    """The levers as weak as can be, one after the other in every order."""
    for order in permutations(range(len(levers))):
        changes = [lever[-1] for lever in levers]
        for place in order:
            for change in levers[place]:
                tried = [*changes[:place], change, *changes[place + 1 :]]
                if naive_holds(case, chosen, tried):
                    changes = tried
                    break
        yield changes


minutes = st.dictionaries(st.integers(0, 3), st.builds(Tokens, *[st.integers(0, 30)] * 4), min_size=1, max_size=4)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    whose = [("a", "k1"), ("a", "console"), ("b", "k2"), ("b", "k3"), ("default", "k4")]
    picked = draw(st.lists(st.sampled_from(whose), min_size=1, max_size=4, unique=True))
    flows = [Flow(workspace, key, "m", draw(st.booleans()), draw(minutes)) for workspace, key in picked]
    own = st.dictionaries(st.sampled_from("ab"), st.integers(1, 60), max_size=2)
    limits = [limiter(draw(st.integers(1, 60)), draw(st.sampled_from([AWARE, INPUT])), **draw(own))]
    if draw(st.booleans()):
        limits.append(limiter(draw(st.none() | st.integers(1, 60)), OUTPUT))
    return flows, limits
