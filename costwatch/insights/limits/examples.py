"""Who caches best of those that use the same model: the example that another key could follow. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from costwatch.insights.limits.flows import Flow, Part, Tokens

# A key whose input is less than this part of another's is too small to be its example.
COMPARABLE = 10


@dataclass(frozen=True, slots=True)
class Example:
    """The comparable key with the largest share of cache reads, and how far a flow is from it.

    `share` is what it reads from the cache of all its input in the window, `share_now` what the flow itself does.
    Units: `percent` of the flow's uncached input, rounded down, that becomes reads when it does as well.
    """

    part: Part
    share: Fraction
    share_now: Fraction
    percent: int


def examples(flows: Sequence[Flow]) -> dict[Part, Example]:
    """For each flow of a key, the comparable key that caches best, where it caches better.

    Comparable is another key that uses the same model with at least a tenth of the input in the window.
    """
    totals = {flow.part: flow.total() for flow in flows if flow.is_of_a_key}
    found = {}
    for model in {part.model for part in totals}:
        alike = {part: one for part, one in totals.items() if part.model == model and _input(one)}
        shares = {part: Fraction(one.cache_reads, _input(one)) for part, one in alike.items()}
        ordered = sorted(alike, key=lambda part: (-shares[part], part))
        for part, one in alike.items():
            best = next((e for e in ordered if e != part and _input(alike[e]) * COMPARABLE >= _input(one)), None)
            if best is None or not one.uncached_input:
                continue
            missing = shares[best] * _input(one) - one.cache_reads
            percent = min(100, int(missing * 100 / one.uncached_input))
            if percent > 0:
                found[part] = Example(best, shares[best], shares[part], percent)
    return found


def _input(tokens: Tokens) -> int:
    return tokens.uncached_input + tokens.cache_writes + tokens.cache_reads
