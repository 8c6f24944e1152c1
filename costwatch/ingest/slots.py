"""Each periodic slot once: a unique row decides, whoever rings, however many schedulers there are (TSK-05)."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from costwatch.ingest.lease import database_now
from costwatch.ingest.models import Slot

KEPT = timedelta(days=1)


def claim(job: str, every: timedelta) -> bool:
    """Take the slot of this moment for a job; False when somebody has it. Time is the database's."""
    now = database_now()
    start = floor(now, every)
    try:
        with transaction.atomic():
            Slot.objects.create(job=job, start=start)
    except IntegrityError:
        return False
    if start == floor(now, timedelta(hours=1)):
        Slot.objects.filter(start__lt=now - KEPT).delete()
    return True


def floor(moment: datetime, every: timedelta) -> datetime:
    """The start of the slot a moment falls into."""
    begins = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return begins + (moment - begins) // every * every
