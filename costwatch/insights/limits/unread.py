"""The hours of minutes that nobody has read: what was used then is not known, which is not zero."""

from datetime import datetime

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.epoch import Epoch, moment
from costwatch.ledger.models import LimitHourMade

WEEK_DAYS = 7


def week_before(until: datetime) -> datetime:
    """The midnight with which the seven days begin whose last hour ends then."""
    return clock.floor_day(until - clock.HOUR) - (WEEK_DAYS - 1) * clock.DAY


def unread(organization: Organization, until: datetime) -> frozenset[datetime]:
    """The hours of a week that are over and of which nothing was read, or no figures were made yet."""
    since = week_before(until)
    if organization.history_since and not settings.BACKFILL_SINCE:
        # There was no use before, which the cost report has told.
        since = max(since, clock.midnight(organization.history_since))
    rows = LimitHourMade.objects.filter(organization=organization, hour__gte=since, hour__lt=until)
    made = {moment(hour) for hour in rows.values_list(Epoch("hour"), flat=True)}
    over = (min(until, clock.floor_hour(clock.now())) - since) // clock.HOUR
    return frozenset(since + place * clock.HOUR for place in range(over)) - made
