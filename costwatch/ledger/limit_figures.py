"""What a minute's tokens count against limits, and how minutes stood beside one."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Reads of the cache count against the input limit of these families alone. Source: rate-limits guide, 2026-08.
READS_COUNT = ("claude-3-5-haiku", "claude-haiku-3-5")
ORDINARY, FAST, BATCH, PRIORITY = "", "fast", "batch", "priority"
POOLS = (ORDINARY, FAST, PRIORITY, BATCH)
# Priority is committed capacity and batches have a queue: neither has a limit by the minute.
LIMITED_POOLS = (ORDINARY, FAST)
AN_HOUR = 60
# Above this share of its limit a pool runs short; `minutes_over_80` counts those minutes. Units: per cent.
SHORT_ABOVE = 80


class Use(NamedTuple):
    """Tokens of one minute that count against limits; reads only those of models whose reads count."""

    input: int
    cache_reads: int
    output: int


def pool_of(service_tier: str, speed: str) -> str:
    """The pool that usage draws from: batch, priority and fast each have one of their own."""
    if service_tier == "batch":
        return BATCH
    if service_tier.startswith("priority"):
        return PRIORITY
    return FAST if speed == "fast" else ORDINARY


# What each limiter counts of a minute; requests and queues are in no report by the minute.
LIMITERS: Mapping[str, Callable[[Use], int]] = {
    "input_tokens_per_minute": lambda use: use.input + use.cache_reads,
    "input_tokens_per_minute_cache_aware": lambda use: use.input,
    "output_tokens_per_minute": lambda use: use.output,
    "tokens_per_minute": lambda use: use.input + use.cache_reads + use.output,
}
FAST_LIMITERS: Mapping[str, Callable[[Use], int]] = {
    "fast_itpmca": lambda use: use.input,
    "fast_otpm": lambda use: use.output,
}
# Where no limit is known, both are still shown.
UNLIMITED = ("input_tokens_per_minute", "output_tokens_per_minute")


def limiters_of(pool: str, known: Iterable[str]) -> Mapping[str, Callable[[Use], int]]:
    """The limiters that the use of a pool is held against: those with a limit, and always input and output."""
    if pool == FAST:
        return FAST_LIMITERS
    if pool != ORDINARY:
        return {name: LIMITERS[name] for name in UNLIMITED}
    named = [name for name in LIMITERS if name in known]
    for side in UNLIMITED:
        if not any(name.startswith(side) for name in named):
            named.append(side)
    return {name: LIMITERS[name] for name in LIMITERS if name in named}


@dataclass(frozen=True, slots=True)
class Figures:
    """How some minutes stood beside a limit. Units: as the limiter's; `peak_at` is the place of the peak minute."""

    peak: int
    peak_at: int
    p95: int
    median: int
    minutes_active: int
    minutes_over_80: int
    minutes_over_95: int
    minutes_over_100: int


def figures(values: Mapping[int, int], limit: int | None) -> Figures | None:
    """The figures of the minutes with usage, by their place; None where there is none. Percentiles by nearest rank."""
    active = {place: value for place, value in values.items() if value}
    if not active:
        return None
    ordered = sorted(active.values())
    peak = ordered[-1]
    return Figures(
        peak=peak,
        peak_at=min(place for place, value in active.items() if value == peak),
        p95=rank(ordered, 95),
        median=rank(ordered, 50),
        minutes_active=len(ordered),
        minutes_over_80=_above(ordered, limit, 80),
        minutes_over_95=_above(ordered, limit, 95),
        minutes_over_100=_above(ordered, limit, 100),
    )


def rank(ordered: Sequence[int], share: int) -> int:
    """The percentile of ascending values by nearest rank."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def minutes_over(values: Iterable[int], limit: int | None, share: int) -> int:
    """How many minutes are above a share of a limit. Units: per cent; none where no limit is known."""
    return 0 if limit is None else sum(map((limit * share // 100).__lt__, values))


def _above(ordered: Sequence[int], limit: int | None, share: int) -> int:
    """`minutes_over`, of ascending values."""
    return 0 if limit is None else len(ordered) - bisect_right(ordered, limit * share // 100)


def longest_streak(values: Iterable[int], limit: int | None, share: int) -> int:
    """The most minutes in a row above a share of a limit."""
    if limit is None:
        return 0
    bound = limit * share // 100
    longest = length = 0
    for value in values:
        if value > bound:
            length += 1
        elif length:
            longest, length = max(longest, length), 0
    return max(longest, length)


def pack(values: Sequence[int]) -> bytes:
    """The counts of an hour's minutes as they are stored: four bytes each, or eight where one does not fit."""
    kind = "I" if max(values, default=0) < 2**32 else "Q"
    packed = array(kind, values)
    if packed.itemsize not in (4, 8):
        raise ValueError(f"an array of {kind!r} has {packed.itemsize} bytes an item here")
    return packed.tobytes()


def unpack(stored: bytes | memoryview) -> list[int]:
    """The counts of an hour's sixty minutes."""
    return array("I" if len(stored) == 4 * AN_HOUR else "Q", bytes(stored)).tolist()
