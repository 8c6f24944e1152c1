"""/readyz: whether everything behind the pages works. Open to everybody, so it says no more than which part does not.

/healthz (`fragments.py`) says that this process lives and asks nobody.
"""

import time
from collections.abc import Callable
from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from costwatch.ingest.examine import reach
from costwatch.ingest.examine.line import FAIL, within
from costwatch.insights.health_checks import database_answers, scheduler_rings, sources_are_read

SECONDS = 2.0
KEPT_SECONDS = 2.0
# An answer this much older is not given any more, whoever is asking at the moment.
PATIENCE_SECONDS = 8.0
OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
Checks = dict[str, str]


class Kept:
    """The newest answer for two seconds: a flood of questions makes one check at a time, and the rest do not wait."""

    def __init__(self, ask: Callable[[], Checks]) -> None:
        self._ask, self._lock = ask, Lock()
        self._answer: Checks | None = None
        self._until = 0.0

    def get(self) -> Checks:
        """What was found at most a moment ago."""
        kept = self._answer
        if kept is not None and time.monotonic() < self._until:
            return kept
        is_old = kept is None or time.monotonic() >= self._until + PATIENCE_SECONDS
        if not self._lock.acquire(blocking=is_old):
            return kept or {}
        try:
            if self._answer is None or time.monotonic() >= self._until:
                self._answer = self._ask()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._answer
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Ask anew next time."""
        self._answer = None


def checks() -> Checks:
    """Every part by name: ok, failed, or unknown where the database that would tell does not answer.

    Asked side by side, two seconds for all: what hangs has failed.
    """
    # A connection of its own per check, so that one that hangs keeps no page waiting; SQLite has no such wait.
    if connection.vendor == "sqlite":
        found = {"books": _tried(_books), **within(SECONDS, {"broker": _broker})}
    else:
        found = within(SECONDS, {"books": _books_and_close, "broker": _broker})
    asked, broker = found["books"], found["broker"]
    told = asked if isinstance(asked, dict) else {"database": FAILED, "scheduler": UNKNOWN, "ingest": UNKNOWN}
    told |= broker if isinstance(broker, dict) else {"broker": FAILED}
    return {name: told[name] for name in ("database", "broker", "scheduler", "ingest")}


def _tried(ask: Callable[[], Checks]) -> Checks | Exception:
    try:
        return ask()
    except Error as error:
        return error


def _books() -> Checks:
    asked = {"database": database_answers, "scheduler": scheduler_rings, "ingest": sources_are_read}
    return {name: OK if ask() else FAILED for name, ask in asked.items()}


def _books_and_close() -> Checks:
    try:
        return _books()
    finally:
        connection.close()


def _broker() -> Checks:
    return {"broker": FAILED if any(line.mark == FAIL for line in reach.broker()) else OK}


answers = Kept(checks)


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the database, the broker, the scheduler and reading work: 200, or 503 with what does not."""
    found = answers.get()
    ready = all(state == OK for state in found.values())
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)
