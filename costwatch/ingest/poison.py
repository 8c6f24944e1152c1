"""Work that kills whoever takes it: three tries in a row, then it is left alone for six hours (TSK-08).

A run that ended without a word is either its worker's death, which says nothing about the work, or that of one child
whose worker lived on. Only the second kind counts.
"""

import logging
from datetime import timedelta

from django.db.models import F

from costwatch import clock
from costwatch.ingest.holder import Holder
from costwatch.ingest.lease import sweep
from costwatch.ingest.models import CoverageChange, Lease, Run, Source
from costwatch.ingest.runs import source_of

TRIES = 3
PARKED_FOR = timedelta(hours=6)
UNSAID = (Run.Outcome.RUNNING, Run.Outcome.ABANDONED)
log = logging.getLogger(__name__)


def park_if_deadly(organization_id: int, source: str) -> bool:
    """Leave a source alone for six hours when it ended three children in a row. Shape: whether it did.

    Asked before a run begins, so that there is no fourth one.
    """
    health = source_of(organization_id, source)
    if not _is_deadly(health):
        return False
    now = clock.now()
    until = now + PARKED_FOR
    sentence = (
        f"Reading {source} ended the worker's child {TRIES} times in a row before anything of it was recorded, so it "
        f"is left alone until {clock.rfc3339(until)}. Look in the worker's log, and for a limit of memory, for what "
        f"ended it; manage.py sync --source {source} tries again at once."
    )
    log.error("%s", sentence)
    Source.objects.filter(pk=health.pk).update(
        last_error=sentence, last_error_at=now, failures=F("failures") + 1, paused_until=until
    )
    return True


def _is_deadly(health: Source) -> bool:
    runs = Run.objects.filter(organization=health.organization_id, source=health.name)
    if health.last_error_at:
        # What happened before was judged then: after six hours, or when somebody asks, there are three more tries.
        runs = runs.filter(started_at__gt=health.last_error_at)
    newest = list(runs.order_by("-started_at", "-pk")[:TRIES])
    next_tries = (None, *newest)
    if len(newest) < TRIES or not all(map(_ended_a_child, newest, next_tries)):
        return False
    # The newest one may be at work at this moment.
    sweep()
    return not Lease.objects.filter(organization=health.organization_id, source=health.name).exists()


def _ended_a_child(run: Run, next_try: Run | None) -> bool:
    """Whether a run recorded nothing and ended without a word, and its worker lived on."""
    if run.outcome not in UNSAID or run.windows_done or not run.worker:
        return False
    return _lives_after(run, next_try) and not CoverageChange.objects.filter(run=run.pk).exists()


def _lives_after(run: Run, next_try: Run | None) -> bool:
    """Whether the worker of a run is seen after it: here, or by a run it began after the next try of the source.

    What it began before that may have died with it: a worker reads several sources at once.
    """
    worker = Holder.read(run.worker)
    if worker and worker.is_from_here and worker.is_running:
        return True
    after = next_try.pk if next_try else run.pk + 1
    return Run.objects.filter(pk__gte=after, worker=run.worker).exists()
