"""How many questions this process answers at once: pages and probes must find a thread and the processor free."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.utils.translation import gettext as _
from rest_framework.exceptions import Throttled

AT_WORK, WAITING = 2, 2
RETRY_AFTER_SECONDS = 2
_seats = BoundedSemaphore(AT_WORK + WAITING)
_work = BoundedSemaphore(AT_WORK)


@contextmanager
def gate() -> Iterator[None]:
    """Take a turn. Raises: Throttled where as many wait already."""
    if not _seats.acquire(blocking=False):
        raise Throttled(RETRY_AFTER_SECONDS, _("Other questions are being answered. Ask again."))
    try:
        with _work:
            yield
    finally:
        _seats.release()
