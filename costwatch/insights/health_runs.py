"""The log of runs: a page of it by key, the newest of each source, and how long a source usually waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from django.db.models import QuerySet

from costwatch.directory.models import Organization
from costwatch.ingest.models import Run

PAGE = 50
# What the usual delay and the usual duration are taken from.
RECENT = 40
FEWEST = 3
_FIELDS = (
    "id",
    "source",
    "outcome",
    "since",
    "until",
    "started_at",
    "finished_at",
    "duration_ms",
    "windows_planned",
    "windows_done",
    "requests",
    "rows_read",
    "rows_changed",
    "error",
    "request_ids",
)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run as it is in the books."""

    id: int
    source: str
    outcome: str
    since: datetime | None
    until: datetime | None
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int
    windows_planned: int
    windows_done: int
    requests: int
    rows_read: int
    rows_changed: int
    error: str
    request_ids: list[str]


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a source: how old its newest data gets before it is read again, and how long a run takes."""

    delay: timedelta | None
    duration: timedelta | None


def run_page(organization: Organization, before: int | None) -> tuple[list[RunLine], int | None]:
    """A page of runs, newest first, that began before another one, and the key of the next page."""
    rows = Run.objects.filter(organization=organization)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    lines = _lines(rows.order_by("-pk")[: PAGE + 1])
    return lines[:PAGE], lines[PAGE - 1].id if len(lines) > PAGE else None


def last_run(organization: Organization, source: str) -> RunLine | None:
    """The newest run of a source."""
    rows = Run.objects.filter(organization=organization, source=source).order_by("-started_at", "-pk")
    return next(iter(_lines(rows[:1])), None)


def usual(organization: Organization, source: str) -> Usual:
    """What the newest runs of a source tell of its rhythm; None where there are too few.

    Only reads that reached the newest data count: what reads history says nothing about how fresh the newest is.
    """
    rows = Run.objects.filter(organization=organization, source=source).order_by("-started_at", "-pk")
    fields = ("outcome", "until", "started_at", "duration_ms")
    newest = [
        (started_at, duration_ms)
        for outcome, until, started_at, duration_ms in rows.values_list(*fields)[:RECENT]
        if outcome == Run.Outcome.SUCCEEDED and (until is None or until >= started_at)
    ]
    if len(newest) <= FEWEST:
        return Usual(None, None)
    waits = [later - earlier for (later, _), (earlier, _) in pairwise(newest)]
    took = median(duration for _, duration in newest)
    return Usual(median(waits), timedelta(milliseconds=took))


def _lines(rows: "QuerySet[Run]") -> list[RunLine]:
    return [RunLine(*row) for row in rows.values_list(*_FIELDS)]
