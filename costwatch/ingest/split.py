"""From chains to facts: the standard part of a bucket is the base minus its splitters. Pure."""

from collections.abc import Mapping

from costwatch.directory.models import CONSOLE_KEY, DEFAULT_WORKSPACE
from costwatch.ledger.dimensions import NOTHING, Counts, UsageDims, clean
from costwatch.upstream.usage import LONG_WINDOW, SHORT_WINDOW, Key

Rows = Mapping[Key, Counts]
PLAIN_SPEED, FAST_SPEED = "standard", "fast"


class Negative(Exception):
    """A splitter says more than the base: they were read at different moments."""


class Naming(dict[Key, UsageDims]):
    """The dimensions of the vendor's keys at one speed and context window: each is named once, then remembered."""

    def __init__(self, speed: str, window: str, default_workspace: str) -> None:
        super().__init__()
        self._speed, self._window, self._default_workspace = speed, window, default_workspace

    def __missing__(self, key: Key) -> UsageDims:
        api_key, workspace, model, tier, geo = key
        made = self[key] = UsageDims(
            api_key_id=clean(api_key) or CONSOLE_KEY,
            workspace_id=workspace_key(workspace, self._default_workspace),
            model=clean(model),
            service_tier=clean(tier),
            context_window=self._window,
            inference_geo=clean(geo),
            speed=self._speed,
        )
        return made


class Names:
    """Every naming of a run, by speed and context window."""

    def __init__(self, default_workspace: str = "") -> None:
        self._default_workspace = default_workspace
        self._namings: dict[tuple[str, str], Naming] = {}

    def of(self, speed: str, window: str) -> Naming:
        """The naming of one speed and context window."""
        if (speed, window) not in self._namings:
            self._namings[speed, window] = Naming(speed, window, self._default_workspace)
        return self._namings[speed, window]


def facts(
    base: Rows,
    *,
    fast: Rows | None = None,
    long: Rows | None = None,
    fast_long: Rows | None = None,
    names: Names | None = None,
) -> dict[UsageDims, Counts]:
    """The facts of one bucket.

    Shape: `fast`, `long` and `fast_long` are None where that chain was not read; the dimension is then unreported
    (empty). The facts sum to the base by construction. Raises: Negative.
    """
    names = names or Names()
    split = (fast or {}).keys() | (long or {}).keys() | (fast_long or {}).keys()
    plain = names.of(_speed(False, fast), _window(False, long))
    whole_rows = {key: counts for key, counts in base.items() if key not in split} if split else base
    made = {plain[key]: counts for key, counts in whole_rows.items() if counts != NOTHING}
    if len(made) < len(whole_rows):
        made = {}
        for key, counts in whole_rows.items():
            _put(made, plain[key], counts)
    for key in split:
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
            _put(made, names.of(_speed(is_fast, fast), _window(is_long, long))[key], counts)
    return made


def carried(
    base: Rows, stored: Mapping[UsageDims, Counts], *, names: Names, speed: str, window: str
) -> dict[UsageDims, Counts]:
    """The facts of a bucket whose splitters were not read again: what is stored as split stays, the rest is plain.

    Shape: `stored` are the bucket's facts that are not plain; `speed` and `window` name what is. Raises: Negative when
    what is stored does not explain the base any more, or was named when other chains were read.
    """
    made: dict[UsageDims, Counts] = {}
    plain = names.of(speed, window)
    for key, counts in base.items():
        _put(made, plain[key], counts)
    for dims, counts in stored.items():
        if dims.speed not in (speed, FAST_SPEED) or dims.context_window not in (window, LONG_WINDOW):
            raise Negative
        whole = dims._replace(speed=speed, context_window=window)
        made[whole] = _minus(made.get(whole, NOTHING), counts)
        made[dims] = counts
    return {dims: counts for dims, counts in made.items() if counts != NOTHING}


def _put(made: dict[UsageDims, Counts], dims: UsageDims, counts: Counts) -> None:
    if counts == NOTHING:
        return
    # Two of the vendor's keys may be one of ours: the default workspace by null and by its real id.
    made[dims] = _plus(made[dims], counts) if dims in made else counts


def _speed(is_fast: bool, fast: Rows | None) -> str:
    return "" if fast is None else FAST_SPEED if is_fast else PLAIN_SPEED


def _window(is_long: bool, long: Rows | None) -> str:
    return "" if long is None else LONG_WINDOW if is_long else SHORT_WINDOW


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
