"""What the headers of an answer to a Messages request say about rate limits.

Source: the vendor's rate-limits guide, Response headers (2026-08).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil

from costwatch import clock

ORGANIZATION, RETRY_AFTER = "anthropic-organization-id", "retry-after"
_POOLS = ("input-tokens", "output-tokens")
KNOWN = frozenset(
    {"requests", "tokens", *_POOLS, *(f"{prefix}-{pool}" for prefix in ("priority", "fast") for pool in _POOLS)}
)
_NAME = re.compile(r"anthropic-(ratelimit|priority|fast)-([a-z0-9-]{1,60})-(limit|remaining|reset)")
_COUNT, _SECONDS = re.compile(r"[0-9]{1,18}"), re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_SINCE_1970 = re.compile(r"[0-9]{9,10}")


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool as a response told of it. Units: as the pool's kind says; None is not told.

    `reset_at` is when the pool is full again if nothing more is taken from it.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What one response told. Units: `retry_after` in seconds.

    Shape: pools by their kind, such as `input-tokens` or `fast-output-tokens`: the set is open. `unreadable` are the
    names of headers we know whose values we cannot read.
    """

    pools: Mapping[str, Pool]
    retry_after: int | None = None
    organization_id: str = ""
    unreadable: tuple[str, ...] = ()


def read(headers: Mapping[str, str], at: datetime) -> Said:
    """What some headers say, of a response seen at a moment; a header of another kind is not looked at."""
    pools: dict[str, Pool] = {}
    unreadable: list[str] = []
    retry_after, organization_id = None, ""
    for given, text in headers.items():
        name, value = given.lower(), text.strip()
        if name == ORGANIZATION:
            organization_id = value
        elif name == RETRY_AFTER:
            retry_after = _wait(value, at)
            unreadable += [given] if retry_after is None else []
        elif found := _NAME.fullmatch(name):
            prefix, pool, what = found.groups()
            kind = pool if prefix == "ratelimit" else f"{prefix}-{pool}"
            told = _time(value) if what == "reset" else _count(value)
            if told is not None:
                column = "reset_at" if what == "reset" else what
                pools[kind] = replace(pools.get(kind, Pool()), **{column: told})  # type: ignore[arg-type]
            elif kind in KNOWN:
                unreadable.append(given)
    return Said(pools, retry_after, organization_id, tuple(unreadable))


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _time(text: str) -> datetime | None:
    """A time as RFC 3339 or, as some kinds have it, in seconds since 1970."""
    try:
        return datetime.fromtimestamp(int(text), UTC) if _SINCE_1970.fullmatch(text) else clock.parse(text)
    except ValueError:
        return None


def _wait(text: str, at: datetime) -> int | None:
    """Seconds, or the time an HTTP date is away."""
    if _SECONDS.fullmatch(text):
        return ceil(float(text))
    try:
        until = parsedate_to_datetime(text)
        return max(0, round((until.replace(tzinfo=until.tzinfo or UTC) - at).total_seconds()))
    except (ValueError, OverflowError):
        return None
