"""Beat's scheduler: in memory, due at once after a start, and noting in the database that it rang.

It keeps no file: what is due is in the database, so a scheduler that starts anew has nothing to remember.
"""

import logging
from datetime import timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from django.db import Error, connection

from costwatch.ingest import heartbeat
from costwatch.role import BEAT

log = logging.getLogger(__name__)
TICK = "tick"


class Bell(Scheduler):  # type: ignore[misc]
    """Rings by the literal schedule."""

    def setup_schedule(self) -> None:
        """Make every entry due now, so that a restart costs no minute."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at -= timedelta(days=1)

    def apply_async(self, entry: ScheduleEntry, *args: Any, **options: Any) -> Any:
        """Ring, then note it. A database that is away keeps nobody from ringing."""
        sent = super().apply_async(entry, *args, **options)
        if entry.name == TICK:
            try:
                heartbeat.renew(BEAT)
            except Error as error:
                log.warning("the scheduler's sign of life could not be written: %s", error)
            finally:
                connection.close()
        return sent
