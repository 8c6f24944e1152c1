"""What could be changed to keep a workspace under 80 %, and how strongly at most. Pure.

Raise its own limit (never above the organization's), cap another workspace, batch a key, cache a key as its example.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from costwatch.insights.limits.examples import examples
from costwatch.insights.limits.flows import (
    DEFAULT_WORKSPACE,
    ORGANIZATION,
    TIGHT,
    Flow,
    Limiter,
    Part,
    is_over,
    with_organization,
)
from costwatch.insights.limits.twin import Batch, Caching, Change, Override, shifted


@dataclass(frozen=True, slots=True)
class Lever:
    """One change that can be made more or less strongly: from 1 to `top`, in steps of a token or of one per cent.

    Shape: `at` is the change of a strength, and a stronger one leaves no minute fuller; `effect` is how much use it
    takes out of its pool in the window, alone, summed over the limiters, in hundredths of a token; `flows` those it
    shifts.
    """

    top: int
    at: Callable[[int], Change]
    effect: Callable[[int], int]
    flows: tuple[Flow, ...] = ()

    @property
    def strongest(self) -> Change:
        """The change in full."""
        return self.at(self.top)


def levers_for(
    workspace_key: str,
    flows: Sequence[Flow],
    limiters: Sequence[Limiter],
    counts: Mapping[str, Mapping[str, Mapping[int, int]]],
) -> list[Lever]:
    """Everything that could be changed for a workspace whose own limits, or those it draws from, are too full.

    Shape: `counts` by limiter, then workspace, then minute; what hurts least comes first, a cap last.
    """
    of_keys: dict[Part, list[Flow]] = {}
    for flow in flows:
        if flow.is_of_a_key:
            of_keys.setdefault(flow.key, []).append(flow)
    known = examples(flows)
    return [
        *_raises(workspace_key, limiters, counts),
        *(_caching(flow, known[flow.part].percent, limiters) for flow in flows if flow.part in known),
        *(_batch(key, own, limiters) for key, own in of_keys.items()),
        *_caps(workspace_key, limiters, counts),
    ]


def _raises(
    workspace_key: str, limiters: Sequence[Limiter], counts: Mapping[str, Mapping[str, Mapping[int, int]]]
) -> Iterator[Lever]:
    for limiter in limiters:
        now = limiter.limit_of(workspace_key)
        peak = max(counts[limiter.name].get(workspace_key, {}).values(), default=0)
        if workspace_key in (ORGANIZATION, DEFAULT_WORKSPACE) or now is None or not is_over(peak, now):
            continue
        enough = -(-peak * 100 // TIGHT)
        ceiling = enough if limiter.organization is None else limiter.organization
        if ceiling > now:
            yield _raise(workspace_key, limiter.name, now, ceiling - now)


def _caps(
    workspace_key: str, limiters: Sequence[Limiter], counts: Mapping[str, Mapping[str, Mapping[int, int]]]
) -> Iterator[Lever]:
    for limiter in limiters:
        by_workspace = counts[limiter.name]
        pool = with_organization(by_workspace)[ORGANIZATION]
        if not any(is_over(value, limiter.organization) for value in pool.values()):
            continue
        for name, minutes in by_workspace.items():
            limit = limiter.limit_of(name)
            if name not in (workspace_key, DEFAULT_WORKSPACE) and limit is not None and limit > 1:
                yield _cap(name, limiter.name, limit, minutes)


def _raise(workspace_key: str, limiter: str, now: int, top: int) -> Lever:
    return Lever(top, lambda strength: Override(workspace_key, limiter, now + strength), lambda _: 0)


def _cap(workspace_key: str, limiter: str, now: int, minutes: Mapping[int, int]) -> Lever:
    values = list(minutes.values())

    def refused(strength: int) -> int:
        return 100 * sum(value - now + strength for value in values if value > now - strength)

    # A cap of nothing at all would close the workspace, and that is another decision.
    return Lever(now - 1, lambda strength: Override(workspace_key, limiter, now - strength), refused)


def _batch(key: Part, flows: Sequence[Flow], limiters: Sequence[Limiter]) -> Lever:
    size = sum(limiter.count(flow.use_of(flow.total())) for flow in flows for limiter in limiters)
    return Lever(100, lambda strength: Batch(key, strength), lambda strength: strength * size, tuple(flows))


def _caching(flow: Flow, percent: int, limiters: Sequence[Limiter]) -> Lever:
    total = flow.total()
    before, after = flow.use_of(total), flow.use_of(shifted(total, 0, 100))
    size = sum(limiter.count(before) - limiter.count(after) for limiter in limiters)
    return Lever(percent, lambda strength: Caching(flow.part, strength), lambda strength: strength * size, (flow,))
