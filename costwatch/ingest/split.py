"""From chains to facts: the standard part of a bucket is the base minus its splitters. Pure."""

from collections.abc import Mapping

from costwatch.directory.models import CONSOLE_KEY, DEFAULT_WORKSPACE
from costwatch.ledger.dimensions import NOTHING, Counts, UsageDims, clean
from costwatch.upstream.usage import LONG_WINDOW, SHORT_WINDOW, Key

Rows = Mapping[Key, Counts]


class Negative(Exception):
    """A splitter says more than the base: they were read at different moments."""


def facts(
    base: Rows,
    *,
    fast: Rows | None = None,
    long: Rows | None = None,
    fast_long: Rows | None = None,
    default_workspace: str = "",
) -> dict[UsageDims, Counts]:
    """The facts of one bucket.

    Shape: `fast`, `long` and `fast_long` are None where that chain was not read; the dimension is then unreported
    (empty). The facts sum to the base by construction. Raises: Negative.
    """
    made: dict[UsageDims, Counts] = {}
    everywhere = base.keys() | (fast or {}).keys() | (long or {}).keys() | (fast_long or {}).keys()
    for key in everywhere:
        whole = base.get(key, NOTHING)
        quick = (fast or {}).get(key, NOTHING)
        large = (long or {}).get(key, NOTHING)
        both = (fast_long or {}).get(key, NOTHING)
        parts = {
            (False, False): _minus(_minus(whole, quick), _minus(large, both)),
            (True, False): _minus(quick, both),
            (False, True): _minus(large, both),
            (True, True): both,
        }
        for (is_fast, is_long), counts in parts.items():
            if counts != NOTHING:
                dims = _dims(key, _speed(is_fast, fast), _window(is_long, long), default_workspace)
                # Two of the vendor's keys may be one of ours: the default workspace by null and by its real id.
                before = made.get(dims)
                made[dims] = counts if before is None else _plus(before, counts)
    return made


def _speed(is_fast: bool, fast: Rows | None) -> str:
    return "" if fast is None else "fast" if is_fast else "standard"


def _window(is_long: bool, long: Rows | None) -> str:
    return "" if long is None else LONG_WINDOW if is_long else SHORT_WINDOW


def _dims(key: Key, speed: str, window: str, default_workspace: str) -> UsageDims:
    api_key, workspace, model, tier, geo = key
    return UsageDims(
        api_key_id=clean(api_key) or CONSOLE_KEY,
        workspace_id=workspace_key(workspace, default_workspace),
        model=clean(model),
        service_tier=clean(tier),
        context_window=window,
        inference_geo=clean(geo),
        speed=speed,
    )


def workspace_key(workspace: str | None, default_workspace: str) -> str:
    """How facts name a workspace: the default one is `default`, whether a source gives null or its real id."""
    return DEFAULT_WORKSPACE if not workspace or workspace == default_workspace else clean(workspace)


def _minus(a: Counts, b: Counts) -> Counts:
    if b == NOTHING:
        return a
    left = tuple(x - y for x, y in zip(a, b, strict=True))
    if min(left) < 0:
        raise Negative
    return left  # type: ignore[return-value]


def _plus(a: Counts, b: Counts) -> Counts:
    return tuple(x + y for x, y in zip(a, b, strict=True))  # type: ignore[return-value]
