"""Named places at which a test may end the process, as a power cut would."""

import os

VARIABLE = "COSTWATCH_FAILPOINT"
NAMES = (
    "fetch.before",
    "fetch.after",
    "parse.before",
    "parse.after",
    "record.before",
    "record.after",
    "rollup.before",
    "rollup.after",
    "coverage.before",
    "coverage.after",
    "commit.before",
    "commit.after",
)
_passes: dict[str, int] = {}


def reach(name: str) -> None:
    """End the process here on the n-th pass when `COSTWATCH_FAILPOINT` is `name:n`; otherwise nothing."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    target, _, count = wanted.partition(":")
    if target == name:
        _passes[name] = _passes.get(name, 0) + 1
        if _passes[name] >= int(count or 1):
            os._exit(9)
