"""Faults on demand: which request goes wrong, and how. Scripted or random, always the same under one seed."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

Options = Mapping[str, object]
# What goes wrong -> the options it understands, with their defaults.
KINDS: dict[str, dict[str, object]] = {
    "rate_limit": {"retry_after": "1"},
    "rate_limit_silent": {},
    "server_error": {"status": 500},
    "overloaded": {},
    "unauthorized": {},
    "html": {"status": 502},
    "empty": {},
    "body": {"status": 200, "text": "null", "content_type": "application/json"},
    "truncate": {"gzip": False, "framing": "length", "keep": 0.5},
    "drip": {"seconds": 0.05, "bytes": 1},
    "latency": {"seconds": 1.0},
    "reset": {},
    "redirect": {"status": 302, "location": "http://127.0.0.1:9/elsewhere"},
    "gzip_bomb": {"megabytes": 200},
    "gzip_twice": {"megabytes": 200},
    "duplicate_page": {},
    "lost_token": {},
    "repeated_token": {},
    "no_request_id": {},
    "speed_field": {},
    "gone": {},
}
# These change what an answer says; all others change whether and how it arrives.
TRICKS = ("duplicate_page", "lost_token", "repeated_token", "speed_field", "gone")


@dataclass(slots=True)
class Fault:
    """One scripted fault.

    `path`: part of the path it applies to; `times`: how often, None for always; `after`: matching requests let through
    first; `probability`: chance per matching request, None for certainty.
    """

    kind: str
    path: str = ""
    times: int | None = 1
    after: int = 0
    probability: float | None = None
    options: dict[str, object] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """An option as text."""
        return str(self.options[name])

    def number(self, name: str) -> float:
        """An option as a number."""
        return float(str(self.options[name]))


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that happened."""

    kind: str
    path: str
    query: str


class Faults:
    """The script of one server. Safe to use from several threads."""

    def __init__(self, seed: int) -> None:
        self.log: list[Injected] = []
        self._script: list[Fault] = []
        self._lock = threading.Lock()
        self._chance = random.Random(seed)

    def add(
        self,
        kind: str,
        path: str = "",
        times: int | None = 1,
        after: int = 0,
        probability: float | None = None,
        **options: object,
    ) -> Fault:
        """Script a fault; a random one (`probability`) repeats until cleared unless `times` says otherwise.

        Raises: ValueError for a kind or an option that does not exist.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no fault; there are {', '.join(KINDS)}")
        unknown = set(options) - set(KINDS[kind])
        if unknown:
            raise ValueError(f"{kind} has no option {', '.join(sorted(unknown))}")
        if probability is not None and times == 1:
            times = None
        fault = Fault(kind, path, times, after, probability, {**KINDS[kind], **options})
        with self._lock:
            self._script.append(fault)
        return fault

    def weather(self) -> None:
        """The usual bad weather: 5 % server errors, 2 % rate limits, 1 % cut answers."""
        self.add("server_error", probability=0.05)
        self.add("rate_limit", probability=0.02, retry_after="0")
        self.add("truncate", probability=0.01)

    def clear(self) -> None:
        """Forget the script; the log stays."""
        with self._lock:
            self._script.clear()

    def pick(self, path: str, query: str) -> Fault | None:
        """The fault of a request, if it has one: the first in the script that is due."""
        with self._lock:
            for fault in self._script:
                if fault.path not in path:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times == 0 or (fault.probability is not None and self._chance.random() >= fault.probability):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                self.log.append(Injected(fault.kind, path, query))
                return fault
        return None
