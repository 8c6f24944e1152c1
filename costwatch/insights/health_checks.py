"""Whether reading goes on: what a monitor asks, answered with a few indexed lookups."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Min, Q

from costwatch import clock
from costwatch.ingest import heartbeat
from costwatch.ingest.availability import REMOVED
from costwatch.ingest.models import Installation, Run, Source
from costwatch.ingest.sources import BASIS
from costwatch.insights.health import allowed_age
from costwatch.role import BEAT, WORKER

# How long nobody may be reached with the key after the first start.
CONNECTS_WITHIN = timedelta(minutes=10)


def database_answers() -> bool:
    """Whether the database answers. Raises: django.db.Error when it does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def scheduler_rings() -> bool:
    """Whether the scheduler rang and a worker heard it, not longer than three minutes ago (TSK-06)."""
    ages = heartbeat.ages()
    return all((age := ages.of(role)) is not None and age <= heartbeat.LATE_AFTER for role in (BEAT, WORKER))


def sources_are_read() -> bool:
    """Whether the vendor answers, and every source that may be read succeeded within the time it may take.

    One that never did counts from its first try, so that a first read has its time and a wrong key does not hide;
    neither does one with which nobody was ever reached.
    """
    # Where business time stands still nothing becomes due, and nobody is asked.
    if heartbeat.ages().is_vendor_silent and not clock.is_frozen():
        return False
    now = clock.now()
    rows = Source.objects.filter(Q(available=True) | Q(name=BASIS) & ~Q(reason=REMOVED))
    for organization, name, last in rows.values_list("organization_id", "name", "last_success_at"):
        since = last or _first_try(organization, name)
        if since and now - since > allowed_age(name):
            return False
    return not _nobody_was_reached(now)


def _nobody_was_reached(now: datetime) -> bool:
    """Whether there is nothing to read because connecting fails, and did since the first start."""
    failing = Installation.objects.exclude(connect_error="").filter(anchor__lt=now - CONNECTS_WITHIN)
    return failing.exists() and not Source.objects.exists()


def _first_try(organization_id: int, source: str) -> datetime | None:
    runs = Run.objects.filter(organization=organization_id, source=source)
    first: datetime | None = runs.aggregate(first=Min("started_at"))["first"]
    return first
