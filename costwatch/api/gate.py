"""How many requests of a kind this process answers at once: pages and probes must find a thread free."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import Throttled

AT_WORK, WAITING = 2, 2
RETRY_AFTER_SECONDS = 2


class Gate:
    """Lets some requests work and some wait; `busy` is what the others are told."""

    def __init__(self, at_work: int, waiting: int, busy: str | Promise) -> None:
        self.seats = BoundedSemaphore(at_work + waiting)
        self._work = BoundedSemaphore(at_work)
        self._busy = busy

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Take a turn. Raises: Throttled where as many wait already."""
        if not self.seats.acquire(blocking=False):
            raise Throttled(RETRY_AFTER_SECONDS, str(self._busy))
        try:
            with self._work:
                yield
        finally:
            self.seats.release()


gate = Gate(AT_WORK, WAITING, gettext_lazy("Other questions are being answered. Ask again."))
