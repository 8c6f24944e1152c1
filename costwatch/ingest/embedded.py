"""Worker and beat as threads of this process: the local shape, with a broker in memory."""

import logging
import threading

from celery.beat import EmbeddedService

from costwatch.celery import app

log = logging.getLogger(__name__)


class Embedded:
    """Starts and stops the two threads. What they were doing when the process dies, the next start takes up."""

    def __init__(self, *, concurrency: int = 3) -> None:
        self._worker = app.WorkController(
            pool="threads",
            concurrency=concurrency,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
            hostname="embedded@localhost",
        )
        # Imported here: the scheduler writes to a model, and models are there once Django is.
        from costwatch.ingest.scheduler import Bell

        self._beat = EmbeddedService(app, thread=True, scheduler_cls=Bell)

    def start(self) -> None:
        """Start both."""
        threading.Thread(target=self._run_worker, name="worker", daemon=True).start()
        self._beat.daemon = True
        self._beat.start()

    def _run_worker(self) -> None:
        try:
            self._worker.start()
        except Exception:
            log.exception("the embedded worker stopped")
