"""The hours of minutes that nobody has read: what was used then is not known, which is not zero."""

from datetime import datetime

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.epoch import Epoch, moment
from costwatch.ledger.models import LimitHourMade


def unread(organization: Organization, since: datetime, until: datetime) -> frozenset[datetime]:
    """The hours of a span that are over and of which nothing was read, or no figures were made yet."""
    if organization.history_since and not settings.BACKFILL_SINCE:
        # There was no use before, which the cost report has told.
        since = max(since, clock.midnight(organization.history_since))
    rows = LimitHourMade.objects.filter(organization=organization, hour__gte=since, hour__lt=until)
    made = {moment(hour) for hour in rows.values_list(Epoch("hour"), flat=True)}
    over = (min(until, clock.floor_hour(clock.now())) - since) // clock.HOUR
    return frozenset(since + place * clock.HOUR for place in range(over)) - made
