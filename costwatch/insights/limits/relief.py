"""What would help a hot group: who makes its peak, and what batches, caching and a workspace's limit would take off it.

Each answer stands alone and changes nothing else. All are bounds: whether work can wait is in no report, nor is what
was refused. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from costwatch.insights.limits.examples import Example, examples
from costwatch.insights.limits.flows import ORGANIZATION, Flow, Limiter, Part, counted, used, with_organization
from costwatch.insights.limits.protecting import Protecting, protecting
from costwatch.insights.limits.twin import shifted

K = TypeVar("K")
LARGEST = 5


@dataclass(frozen=True, slots=True)
class Contributor:
    """One key's use of one model in the peak minute. Units: tokens that count; `share` is of the minute."""

    part: Part
    tokens: int
    share: Fraction


@dataclass(frozen=True, slots=True)
class Less:
    """What a line's peak would be with less of something.

    Units: tokens that count; `tokens` are what leaves the peak minute. Shape: `peak` is of all minutes, not of that one
    alone, and `peak_at` its place; None where no minute would have use.
    """

    tokens: int
    peak: int
    peak_at: int | None


@dataclass(frozen=True, slots=True)
class Batched:
    """All use of one key as batches: an upper bound, for it takes for granted that all of it can wait."""

    part: Part
    less: Less


@dataclass(frozen=True, slots=True)
class Cached:
    """One key's use of one model, were it cached as well as its example, by the same share in every minute.

    Units: `uncached_input` is what the flow has of it in the peak minute. Cache writes still count, and stay.
    """

    part: Part
    uncached_input: int
    example: Example
    less: Less


@dataclass(frozen=True, slots=True)
class Relief:
    """What would help one line of one limiter. Shape: largest first; `line` is empty for the organization.

    `all_batched` and `all_cached` are for those that are listed together.
    """

    line: str
    limit: int | None
    peak: int
    peak_at: int
    contributors: tuple[Contributor, ...]
    batched: tuple[Batched, ...]
    all_batched: Less
    cached: tuple[Cached, ...]
    all_cached: Less
    protecting: tuple[Protecting, ...]


def relief(flows: Sequence[Flow], limiter: Limiter, line: str = ORGANIZATION, largest: int = LARGEST) -> Relief | None:
    """What would help the organization or one workspace beside one limiter; None where no minute has use that counts.

    Shape: at most `largest` keys to batch, flows to cache and workspaces to limit. Ties go to the earlier minute.
    """
    of_line = [flow for flow in flows if line in (ORGANIZATION, flow.workspace_key)]
    by_workspace = counted(used(of_line), limiter)
    minutes = with_organization(by_workspace)[ORGANIZATION]
    peak, place = _peak(minutes)
    if place is None:
        return None
    batched = list(_batched(of_line, limiter, place, largest))
    cached = list(_cached(flows, of_line, limiter, place, largest))
    return Relief(
        line=line,
        limit=limiter.limit_of(line),
        peak=peak,
        peak_at=place,
        contributors=tuple(_contributors(of_line, limiter, place, peak)),
        batched=tuple(Batched(key, _less(minutes, taken, place)) for key, taken in batched),
        all_batched=_less(minutes, _sum(taken for _, taken in batched), place),
        cached=tuple(
            Cached(flow.part, flow.minutes[place].uncached_input, example, _less(minutes, taken, place))
            for flow, example, taken in cached
        ),
        all_cached=_less(minutes, _sum(taken for _, _, taken in cached), place),
        protecting=() if line else protecting(by_workspace, limiter)[:largest],
    )


def _at(flow: Flow, limiter: Limiter, place: int) -> int:
    tokens = flow.minutes.get(place)
    return limiter.count(flow.use_of(tokens)) if tokens else 0


def _contributors(flows: Sequence[Flow], limiter: Limiter, place: int, peak: int) -> Iterator[Contributor]:
    for tokens, part in sorted((-_at(flow, limiter, place), flow.part) for flow in flows):
        if tokens:
            yield Contributor(part, -tokens, Fraction(-tokens, peak))


def _batched(
    flows: Sequence[Flow], limiter: Limiter, place: int, largest: int
) -> Iterator[tuple[Part, Mapping[int, int]]]:
    """The keys with most in a minute, and what leaves each minute with them."""
    there = _sum({flow.key: _at(flow, limiter, place)} for flow in flows if flow.is_of_a_key)
    for key in sorted(there, key=lambda key: (-there[key], key))[:largest]:
        if there[key]:
            yield key, _sum(limiter.counts_of(flow) for flow in flows if flow.key == key)


def _cached(
    flows: Sequence[Flow], of_line: Sequence[Flow], limiter: Limiter, place: int, largest: int
) -> Iterator[tuple[Flow, Example, Mapping[int, int]]]:
    """The flows that caching would take most off in a minute, their examples, and what leaves each minute."""
    known = examples(flows)
    able = [(flow, known[flow.part]) for flow in of_line if flow.part in known and place in flow.minutes]

    def taken(flow: Flow, example: Example, at: int) -> int:
        tokens = flow.minutes[at]
        before, after = flow.use_of(tokens), flow.use_of(shifted(tokens, 0, example.percent))
        return limiter.count(before) - limiter.count(after)

    able.sort(key=lambda one: (-taken(one[0], one[1], place), one[0].part))
    for flow, example in able[:largest]:
        if taken(flow, example, place):
            yield flow, example, {at: taken(flow, example, at) for at in flow.minutes}


def _less(minutes: Mapping[int, int], taken: Mapping[int, int], place: int) -> Less:
    return Less(taken.get(place, 0), *_peak({at: value - taken.get(at, 0) for at, value in minutes.items()}))


def _peak(minutes: Mapping[int, int]) -> tuple[int, int | None]:
    """The largest minute, the earliest of equals, and its place."""
    peak = max(minutes.values(), default=0)
    return (peak, min(place for place, value in minutes.items() if value == peak)) if peak else (0, None)


def _sum(parts: Iterable[Mapping[K, int]]) -> dict[K, int]:
    found: dict[K, int] = {}
    for part in parts:
        for name, value in part.items():
            found[name] = found.get(name, 0) + value
    return found
