"""Answers kept for as long as nothing they were made from has changed.

The version of the data is read from the books, not kept in the cache, so that any number of processes agree on it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

from django.db import connection

from costwatch import clock
from costwatch.ingest.models import Installation, Lease, Run
from costwatch.ledger.models import ConsoleFigure, PriceChange

KEPT = 200
T = TypeVar("T")

# One round trip: a page asks this before everything else.
_VERSION = f"""
SELECT (SELECT MAX(id) FROM {Run._meta.db_table}),
       (SELECT COUNT(*) FROM {Lease._meta.db_table}),
       (SELECT MAX(id) FROM {PriceChange._meta.db_table}),
       (SELECT COUNT(*) FROM {PriceChange._meta.db_table} WHERE applied_at IS NULL),
       (SELECT COUNT(*) FROM {ConsoleFigure._meta.db_table}),
       (SELECT anchor FROM {Installation._meta.db_table})
"""  # noqa: S608


def data_version() -> str | None:
    """A name for everything an answer can depend on, and the minute; None while something is being written.

    Facts, reported lines, coverage, directory and charges are written by runs, under a lease, and by pricing again.
    Where business time stands still, nothing has a version: a minute would last for ever.
    """
    if clock.is_frozen():
        return None
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        run, held, change, applying, entered, anchor = cursor.fetchone()
    if held or applying:
        return None
    return f"{anchor}/{run}/{change}/{entered}/{clock.now():%Y-%m-%dT%H:%M}"


class Kept:
    """A few hundred answers of this process about one version of the data, the least recently asked for go first."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, Lock()
        self._version = ""
        self._answers: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question, made anew where the data may have changed since."""
        version = data_version()
        if version is None:
            return answer()
        with self._lock:
            if version == self._version and question in self._answers:
                self._answers.move_to_end(question)
                return self._answers[question]  # type: ignore[return-value]
        made = answer()
        # What was written while the answer was made may be in it or not: it is nobody's version.
        if data_version() == version:
            with self._lock:
                if version != self._version:
                    self._version = version
                    self._answers.clear()
                self._answers[question] = made
                while len(self._answers) > self._most:
                    self._answers.popitem(last=False)
        return made

    def forget(self) -> None:
        """Make the next answers anew, whatever was kept."""
        with self._lock:
            self._answers.clear()


kept = Kept()
