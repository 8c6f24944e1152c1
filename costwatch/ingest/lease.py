"""One run per organization and source: a lease row that ends by itself when its holder dies.

Time is the database's, so that two machines with different clocks agree.
"""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from costwatch.ingest.models import Lease, Run

LASTS = timedelta(seconds=90)
_held_here: set[str] = set()


class Busy(Exception):
    """Another run holds the lease."""


class Held:
    """A lease that is held; renew it at least every minute or so."""

    def __init__(self, organization_id: int, source: str, holder: str) -> None:
        self._where = {"organization_id": organization_id, "source": source, "holder": holder}

    def renew(self) -> None:
        """Push the end away. Raises: Busy when the lease ended and someone else took it."""
        if not Lease.objects.filter(**self._where).update(expires_at=database_now() + LASTS):
            raise Busy("the lease ran out and was taken by another run")

    def release(self) -> None:
        """Give the lease back."""
        Lease.objects.filter(**self._where).delete()


@contextmanager
def lease(organization_id: int, source: str) -> Iterator[Held]:
    """Hold the lease of a source inside a block.

    Raises: Busy when another run holds it.
    """
    holder = f"{_host()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    _take(organization_id, source, holder)
    held = Held(organization_id, source, holder)
    _held_here.add(holder)
    try:
        yield held
    finally:
        _held_here.discard(holder)
        held.release()


def _take(organization_id: int, source: str, holder: str) -> None:
    now = database_now()
    where = {"organization_id": organization_id, "source": source}
    try:
        with transaction.atomic():
            Lease.objects.create(**where, holder=holder, expires_at=now + LASTS)
            return
    except IntegrityError:
        if release_dead():
            _take(organization_id, source, holder)
            return
    if not Lease.objects.filter(**where, expires_at__lt=now).update(holder=holder, expires_at=now + LASTS):
        raise Busy(f"another run of {source} is at work")
    # The former holder died in the middle of its run.
    Run.objects.filter(**where, outcome=Run.Outcome.RUNNING).update(
        outcome=Run.Outcome.ABANDONED, error="the process ended before the run did"
    )


def release_dead() -> int:
    """Drop the leases of processes of this machine that are gone, so that a restart need not wait for their end.

    Shape: how many there were.
    """
    released = 0
    for held in Lease.objects.filter(holder__startswith=f"{_host()}:"):
        if not _is_alive(held.holder):
            released += held.delete()[0]
            Run.objects.filter(
                organization=held.organization_id, source=held.source, outcome=Run.Outcome.RUNNING
            ).update(outcome=Run.Outcome.ABANDONED, error="the process ended before the run did")
    return released


def _host() -> str:
    return socket.gethostname()[:24].replace(":", "-")


def _is_alive(holder: str) -> bool:
    """Whether a holder on this machine still lives. A restarted container gives the same number to another process."""
    pid = int(holder.split(":")[1])
    if pid == os.getpid():
        return holder in _held_here
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def database_now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
            return datetime.fromisoformat(cursor.fetchone()[0])
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
