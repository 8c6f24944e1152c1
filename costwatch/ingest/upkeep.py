"""What is done once a day beside reading: figures that outlive their minutes, and letting go of what is too old."""

import logging
from collections.abc import Callable
from datetime import datetime

from costwatch.directory.models import Organization
from costwatch.ingest import headroom, raw
from costwatch.ledger import limit_hours, observations, partitions

log = logging.getLogger(__name__)


def upkeep(now: datetime, renew: Callable[[], None] = lambda: None) -> None:
    """Do all of it. Safe to run twice, and to be cut short: what is left is done by the next one."""
    for organization in Organization.objects.order_by("pk"):
        headroom.make_hours(organization, now, renew)
        headroom.make_days(organization, now, renew)
    # A day is dropped when its figures are made, and those are made every hour.
    oldest = partitions.oldest_kept(now.date())
    partitions.drop_before(oldest)
    limit_hours.drop_before(oldest)
    dropped = raw.prune(now)
    observations.prune(now)
    log.info("upkeep done, %s kept answers were too old", dropped)
