"""What is done once a day beside reading: figures that outlive their minutes, and letting go of what is too old."""

import logging
from collections.abc import Callable
from datetime import date, datetime

from django.db.models import Max
from django.db.models.functions import TruncDate

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import minutes, raw
from costwatch.ingest.models import Coverage
from costwatch.ingest.plan import SETTLES_AFTER
from costwatch.ledger import limit_days, partitions
from costwatch.ledger.models import LimitDayMade

log = logging.getLogger(__name__)


def days_to_make(organization: Organization, now: datetime) -> list[date]:
    """The days whose minutes changed since their figures were made; a day counts when it is six hours over."""
    until = clock.floor_day(now - SETTLES_AFTER)
    made = dict(LimitDayMade.objects.filter(organization=organization).values_list("day", "made_at"))
    changed = (
        Coverage.objects.filter(
            organization=organization,
            source=minutes.SOURCE,
            start__gte=clock.midnight(partitions.oldest_kept(now.date())),
            start__lt=until,
        )
        .annotate(day=TruncDate("start"))
        .values_list("day")
        .annotate(changed_at=Max("changed_at"))
        .order_by("-day")
    )
    return [day for day, changed_at in changed if day not in made or made[day] < changed_at]


def upkeep(now: datetime, renew: Callable[[], None] = lambda: None) -> None:
    """Do all of it. Safe to run twice, and to be cut short: what is left is done by the next one."""
    for organization in Organization.objects.order_by("pk"):
        for day in days_to_make(organization, now):
            limit_days.make_day(organization, day)
            renew()
    # A day is dropped when its figures are made, and those are made every hour.
    partitions.drop_before(partitions.oldest_kept(now.date()))
    dropped = raw.prune(now)
    log.info("upkeep done, %s kept answers were too old", dropped)
