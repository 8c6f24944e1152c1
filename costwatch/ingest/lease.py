"""One run per organization and source: a lease row that ends by itself when its holder dies.

Time is the database's, so that two machines with different clocks agree.
"""

import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error, IntegrityError, connection, transaction

from costwatch.ingest.holder import Holder
from costwatch.ingest.models import Lease, Run

# Renewed after every window and every 20 s of waiting. With the sweep every 15 s, what a lost machine held is at work
# again within 90 s.
LASTS = timedelta(seconds=60)
# A database that restarts is back within seconds; until then the lease cannot be given back.
PAUSES = (0.5, 1.0, 2.0, 4.0)
_held_here: set[str] = set()
log = logging.getLogger(__name__)


class Busy(Exception):
    """Another run holds the lease."""


class Held:
    """A lease that is held; renew it every 20 seconds or so."""

    def __init__(self, organization_id: int, source: str, holder: str) -> None:
        self._where = {"organization_id": organization_id, "source": source, "holder": holder}

    def renew(self) -> None:
        """Push the end away. Raises: Busy when the lease ended and someone else took it."""
        if not Lease.objects.filter(**self._where).update(expires_at=database_now() + LASTS):
            raise Busy("the lease ran out and was taken by another run")

    def fence(self) -> None:
        """Begin a transaction's writing: until it ends nobody can take the lease.

        A holder that stood still while its lease ended (a frozen machine, a long pause) writes nothing when it wakes.
        Raises: Busy when the lease is somebody else's by now.
        """
        if not Lease.objects.select_for_update().filter(**self._where).values_list("pk", flat=True):
            raise Busy("the lease ran out and was taken by another run")

    def release(self) -> None:
        """Give the lease back, also to a database that is restarting."""
        for pause in (*PAUSES, 0.0):
            try:
                Lease.objects.filter(**self._where).delete()
                return
            except Error as error:
                if not pause or connection.in_atomic_block:
                    log.warning("a lease could not be given back, it ends by itself: %s", error)
                    return
                connection.close()
                time.sleep(pause)


@contextmanager
def lease(organization_id: int, source: str) -> Iterator[Held]:
    """Hold the lease of a source inside a block.

    Raises: Busy when another run holds it.
    """
    holder = Holder.of_this_process(uuid.uuid4().hex[:12]).text
    _take(organization_id, source, holder)
    held = Held(organization_id, source, holder)
    _held_here.add(holder)
    try:
        yield held
    finally:
        _held_here.discard(holder)
        held.release()


def _take(organization_id: int, source: str, holder: str) -> None:
    where = {"organization_id": organization_id, "source": source}
    try:
        with transaction.atomic():
            Lease.objects.create(**where, holder=holder, expires_at=database_now() + LASTS)
            # Whoever left a run unfinished died with it, or it would still hold the lease.
            Run.objects.filter(**where, outcome=Run.Outcome.RUNNING).update(
                outcome=Run.Outcome.ABANDONED, error="the process ended before the run did"
            )
    except IntegrityError:
        if not any(_is_freed(one) for one in Lease.objects.filter(**where)):
            raise Busy(f"another run of {source} is at work") from None
        _take(organization_id, source, holder)


def sweep() -> int:
    """Free what nobody works on any more: leases that ended, and those of processes of this machine that are gone.

    Shape: how many there were.
    """
    return sum(_is_freed(one) for one in Lease.objects.order_by("pk"))


def _is_freed(one: Lease) -> bool:
    """Drop a lease that is over, and tell whether it was."""
    mine = Lease.objects.filter(pk=one.pk, holder=one.holder)
    if not _is_dead(one.holder):
        # Asked in the statement itself: a holder that renews at this moment keeps its lease.
        mine = mine.filter(expires_at__lt=database_now())
    return bool(mine.delete()[0])


def _is_dead(text: str) -> bool:
    """Whether a holder is certainly gone; of another machine or container nobody here can say."""
    holder = Holder.read(text)
    if holder is None or not holder.is_from_here:
        return False
    if holder.pid == os.getpid():
        return text not in _held_here
    return not holder.is_running


def database_now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
            return datetime.fromisoformat(cursor.fetchone()[0])
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
