"""One line of an examination, and calls that may not take long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

OK, NOTE, WARN, FAIL = "ok", "note", "warn", "fail"
MARKS = (OK, NOTE, WARN, FAIL)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding.

    Shape: `mark` is one of `MARKS`, best first; `what` a sentence; `do` the advice, empty only where all is well.
    """

    group: str
    mark: str
    what: str
    do: str = ""

    def __post_init__(self) -> None:
        if self.mark not in MARKS or (self.mark != OK and not self.do):
            raise ValueError(f"a line that is not ok says what to do: {self.what!r}")


class TookTooLong(Exception):
    """A call gave no answer in the time it had."""


def within(seconds: float, calls: dict[str, Callable[[], T]]) -> dict[str, T | Exception]:
    """Run calls side by side and wait for all of them together.

    Units: `seconds` of the monotonic clock, for all. Shape: what each gave or raised; `TookTooLong` for those that are
    still at it. They are left behind: their threads do not keep a process alive.
    """
    outcomes: dict[str, T | Exception] = {}

    def run(name: str, call: Callable[[], T]) -> None:
        try:
            outcomes[name] = call()
        except Exception as error:
            outcomes[name] = error

    threads = [threading.Thread(target=run, args=(name, call), daemon=True) for name, call in calls.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = TookTooLong(f"no answer within {seconds:g} s")
    return {name: outcomes.get(name, late) for name in calls}


def counted(number: int, thing: str) -> str:
    """A number with its thing, in the plural where there are several."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def first_line(text: object) -> str:
    """The first line of a longer explanation."""
    return next(iter(str(text).strip().splitlines()), "") or type(text).__name__
