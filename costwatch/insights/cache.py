"""Answers kept for as long as nothing they were made from has changed.

The version of the data is read from the books, not kept in the cache, so that any number of processes agree on it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from django.db import connection

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Installation, Lease, Run
from costwatch.ledger.models import ConsoleFigure, LimitHourMade, PriceChange

KEPT = 200
T = TypeVar("T")

# One round trip: a page asks this before everything else.
_VERSION = f"""
SELECT (SELECT MAX(id) FROM {Run._meta.db_table}),
       (SELECT COUNT(*) FROM {Lease._meta.db_table}),
       (SELECT MAX(id) FROM {PriceChange._meta.db_table}),
       (SELECT COUNT(*) FROM {PriceChange._meta.db_table} WHERE applied_at IS NULL),
       (SELECT COUNT(*) FROM {ConsoleFigure._meta.db_table}),
       (SELECT anchor FROM {Installation._meta.db_table}),
       (SELECT MAX(assumed_at || assumed_tier) FROM {Organization._meta.db_table}),
       (SELECT MAX(made_at) FROM {LimitHourMade._meta.db_table})
"""  # noqa: S608


def data_version() -> str | None:
    """A name for everything an answer can depend on, and the minute; None while something is being written.

    Facts, reported lines, coverage, directory and charges are written by runs, under a lease, and by pricing again;
    a tier of limits is picked by people, and figures beside limits are made after both.
    Where business time stands still, nothing has a version: a minute would last for ever.
    """
    if clock.is_frozen():
        return None
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        run, held, change, applying, entered, *others = cursor.fetchone()
    if held or applying:
        return None
    return f"{run}/{change}/{entered}/{others}/{clock.now():%Y-%m-%dT%H:%M}"


@dataclass(frozen=True, slots=True)
class _Making:
    """Answers under way about one version of the data, one of them made of others. `version` as of `data_version`."""

    version: str | None
    made: dict[Hashable, object] = field(default_factory=dict)


class Kept:
    """A few hundred answers of this process about one version of the data, the least recently asked for go first."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._lock = most, Lock()
        self._version = ""
        self._answers: OrderedDict[Hashable, object] = OrderedDict()
        self._making: ContextVar[_Making | None] = ContextVar("making", default=None)

    def get(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question, made anew where the data may have changed since.

        Asked while another answer is made, it is about the version that the other one is about.
        """
        if making := self._making.get():
            return self._get(making, question, answer)
        making = _Making(data_version())
        token = self._making.set(making)
        try:
            made = self._get(making, question, answer)
        finally:
            self._making.reset(token)
        # What was written while answers were made may be in them or not: they are nobody's version.
        if making.made and making.version is not None and data_version() == making.version:
            self._keep(making.version, making.made)
        return made

    def _get(self, making: _Making, question: Hashable, answer: Callable[[], T]) -> T:
        with self._lock:
            if making.version == self._version and question in self._answers:
                self._answers.move_to_end(question)
                return self._answers[question]  # type: ignore[return-value]
        made = making.made[question] = answer()
        return made

    def _keep(self, version: str, made: dict[Hashable, object]) -> None:
        with self._lock:
            if version != self._version:
                self._version = version
                self._answers.clear()
            self._answers.update(made)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def forget(self) -> None:
        """Make the next answers anew, whatever was kept."""
        with self._lock:
            self._answers.clear()


kept = Kept()
