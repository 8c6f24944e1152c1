"""Dividing an amount in proportion to weights, so that the parts sum to it exactly. Pure."""

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def split(amount: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Divide whole pico-dollars by non-negative weights: largest remainders get what rounding leaves over.

    Without any weight there is nothing to divide by, and the answer is empty.
    """
    total = sum(weights.values())
    if total <= 0:
        return {}
    sign = -1 if amount < 0 else 1
    parts: dict[K, int] = {}
    remainders: list[tuple[int, int, K]] = []
    for index, (key, weight) in enumerate(weights.items()):
        part, remainder = divmod(abs(amount) * weight, total)
        parts[key] = sign * part
        remainders.append((-remainder, index, key))
    left = abs(amount) - sum(abs(part) for part in parts.values())
    for _, _, key in sorted(remainders, key=lambda one: one[:2])[:left]:
        parts[key] += sign
    return parts
