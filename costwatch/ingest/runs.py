"""The record of work: runs with counts, duration, errors and request ids; sources with their health."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import availability
from costwatch.ingest.holder import Holder
from costwatch.ingest.models import Run, Source
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused, UpstreamError

PAUSE = timedelta(minutes=15)
PAUSE_AFTER_FAILURES = 10
ASK_AGAIN_AFTER = timedelta(days=1)
ERRORS_SHOWN = 5
SHOWN_EVERY = 2.0


class Progress:
    """A run at work: counts as it goes, and collects what failed."""

    def __init__(self, run: Run, client: AdminClient) -> None:
        self.run, self._client = run, client
        self._began, self._requests_before = time.monotonic(), client.traffic.requests
        self._shown = self._began
        self.errors: list[str] = []
        self.refusal: Refused | None = None

    def failed(self, what: str, error: UpstreamError) -> None:
        """Note a window that failed; the others go on."""
        self.errors.append(f"{what}: {error}")
        if isinstance(error, Refused):
            self.refusal = error

    @property
    def outcome(self) -> Run.Outcome:
        """What became of the run, when it is over."""
        if self.refusal and self.refusal.closes:
            return Run.Outcome.CLOSED
        return Run.Outcome.FAILED if self.errors else Run.Outcome.SUCCEEDED

    def show(self) -> None:
        """Write the counts down every few seconds, so that a page can show them while the run goes on."""
        if time.monotonic() - self._shown >= SHOWN_EVERY:
            self.save()

    def save(self) -> None:
        """Write the counts down."""
        self._shown = time.monotonic()
        run = self.run
        run.requests = self._client.traffic.requests - self._requests_before
        run.duration_ms = int((time.monotonic() - self._began) * 1000)
        # The client may have served runs before this one.
        run.request_ids = list(self._client.traffic.request_ids)[-run.requests :] if run.requests else []
        run.save()


@contextmanager
def running(organization: Organization, source: str, client: AdminClient) -> Iterator[Progress]:
    """A run from its first to its last moment; its outcome and the source's health are written whatever happens."""
    worker = Holder.of_worker().text
    run = Run.objects.create(organization=organization, source=source, started_at=clock.now(), worker=worker)
    progress = Progress(run, client)
    try:
        yield progress
    except UpstreamError as error:
        progress.failed("the run", error)
    except BaseException as error:
        progress.errors.append(f"the run: {type(error).__name__}: {error}")
        raise
    finally:
        _finish(progress)


def _finish(progress: Progress) -> None:
    run = progress.run
    run.finished_at = clock.now()
    run.outcome = progress.outcome
    shown = progress.errors[:ERRORS_SHOWN]
    more = len(progress.errors) - len(shown)
    run.error = "\n".join([*shown, *([f"and {more} more"] if more else [])])
    # Together: who sees that the run is over sees what came of it.
    with transaction.atomic():
        if not Run.objects.select_for_update().filter(pk=run.pk, outcome=Run.Outcome.RUNNING):
            # Taken for dead, and somebody else carries on: how the source does is theirs to say.
            return
        progress.save()
        recovered = _judge(run, progress.refusal)
    if recovered:
        # A credential that was refused failed every source at one moment: it works again, also for those that have
        # nothing to read for hours. After the transaction, in which two runs would wait for each other's source.
        together = Source.objects.filter(organization=run.organization_id, last_error=recovered.last_error)
        together.filter(last_error_at=recovered.last_error_at).update(failures=0, paused_until=None)


def _judge(run: Run, refusal: Refused | None) -> Source | None:
    """Keep the source's health: a refusal closes it for a day, or pauses it; ten failures in a row pause it.

    Shape: the source where it had failed and succeeds again.
    """
    source = Source.objects.select_for_update().get(pk=source_of(run.organization_id, run.source).pk)
    now, was_available, had_failed = run.finished_at or clock.now(), source.available, source.failures > 0
    if run.outcome == Run.Outcome.SUCCEEDED:
        source.last_success_at, source.failures, source.paused_until = now, 0, None
        source.available, source.reason = True, ""
    elif run.outcome == Run.Outcome.CLOSED:
        source.failures, source.paused_until = 0, None
        source.available, source.reason, source.checked_at = False, str(refusal), now
    else:
        source.last_error_at, source.last_error = now, run.error
        source.failures = source.failures + 1
        if (refusal and refusal.status == 401) or source.failures >= PAUSE_AFTER_FAILURES:
            source.paused_until = now + PAUSE
    if source.available != was_available:
        availability.remember([source], available=source.available, now=now)
    source.save()
    return source if had_failed and run.outcome == Run.Outcome.SUCCEEDED else None


def could_not_begin(organization: Organization, source: str, began: datetime, error: str, request_id: str) -> None:
    """Write down a run that failed before it began: nobody could connect."""
    now = clock.now()
    Run.objects.create(
        organization=organization,
        source=source,
        outcome=Run.Outcome.FAILED,
        started_at=began,
        finished_at=now,
        duration_ms=max(0, int((now - began) / timedelta(milliseconds=1))),
        error=error,
        requests=1 if request_id else 0,
        request_ids=[request_id] if request_id else [],
    )


def source_of(organization_id: int, name: str) -> Source:
    """The health of a source."""
    source, _ = Source.objects.get_or_create(organization_id=organization_id, name=name)
    return source


def may_run(source: Source, now: datetime) -> bool:
    """Whether a source should be asked now, or is paused or closed."""
    if source.paused_until and source.paused_until > now:
        return False
    return source.available or source.checked_at is None or source.checked_at + ASK_AGAIN_AFTER <= now
