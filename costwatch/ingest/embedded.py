"""Worker and beat as threads of this process: the local shape, with a broker in memory."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery.beat import Service

from costwatch.celery import app

log = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0


class Embedded:
    """Starts the two threads. What they were doing when the process dies, the next start takes up."""

    def __init__(self, *, reads: int = 3) -> None:
        self._reads = reads

    def start(self) -> None:
        """Start both; one that ends begins anew (TSK-06)."""
        for name, make in (("worker", self._worker), ("beat", _beat)):
            threading.Thread(target=_keep, args=(name, make), name=name, daemon=True).start()

    def _worker(self) -> Any:
        from costwatch.ingest.lanes import Lanes

        return app.WorkController(
            pool=Lanes,
            concurrency=self._reads,
            # Messages are in memory either way: none that can be done waits behind those that read.
            prefetch_multiplier=0,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
            hostname="embedded@localhost",
        )


def _beat() -> Service:
    # Imported here: the scheduler writes to a model, and models are there once Django is.
    from costwatch.ingest.scheduler import Bell

    return Service(app, scheduler_cls=Bell)


def _keep(name: str, make: Callable[[], Any]) -> None:
    """Run a part of this process for as long as the process lives."""
    while True:
        try:
            app.set_current()
            make().start()
            log.error("the embedded %s ended; it begins anew", name)
        except BaseException:
            log.exception("the embedded %s failed; it begins anew", name)
        time.sleep(AGAIN_SECONDS)
