"""What all runs together did, for counters: each run is added once, so that a long log costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from django.db.models import Count, Max, Min, Q, Sum

from costwatch.ingest.models import Run

# Runs this new may still change, or become visible behind newer ones.
RESTLESS = 50


@dataclass(frozen=True, slots=True)
class Work:
    """What some runs did. Units: `duration_ms` milliseconds."""

    runs: int = 0
    requests: int = 0
    rows_read: int = 0
    rows_changed: int = 0
    duration_ms: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.runs + other.runs,
            self.requests + other.requests,
            self.rows_read + other.rows_read,
            self.rows_changed + other.rows_changed,
            self.duration_ms + other.duration_ms,
        )


# Organization, source, outcome.
Key = tuple[int, str, str]


class Totals:
    """The sums over all runs. Every process keeps its own, and all come to the same, for each is a sum of the log."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = 0
        self._kept: dict[Key, Work] = {}

    def get(self) -> dict[Key, Work]:
        """The work by organization, source and outcome; runs at work count with what they did so far."""
        with self._lock:
            newest = Run.objects.aggregate(last=Max("pk"))["last"] or 0
            if newest < self._until:
                self._until, self._kept = 0, {}
            unsettled = Run.objects.filter(pk__gt=self._until, outcome=Run.Outcome.RUNNING)
            at_work = unsettled.aggregate(first=Min("pk"))["first"]
            until = max(self._until, min(newest - RESTLESS, at_work - 1 if at_work else newest))
            self._kept = _added(self._kept, _sums(Q(pk__gt=self._until, pk__lte=until)))
            self._until = until
            return _added(self._kept, _sums(Q(pk__gt=until)))

    def forget(self) -> None:
        """Begin anew, as after a restored database."""
        with self._lock:
            self._until, self._kept = 0, {}


totals = Totals()


def _sums(which: Q) -> dict[Key, Work]:
    rows = Run.objects.filter(which).values_list("organization_id", "source", "outcome")
    summed = rows.annotate(
        Count("pk"), Sum("requests"), Sum("rows_read"), Sum("rows_changed"), Sum("duration_ms")
    ).order_by()
    return {
        (organization, source, outcome): Work(*(int(one or 0) for one in work))
        for organization, source, outcome, *work in summed
    }


def _added(one: Mapping[Key, Work], other: Mapping[Key, Work]) -> dict[Key, Work]:
    return {key: one.get(key, Work()) + other.get(key, Work()) for key in {*one, *other}}
