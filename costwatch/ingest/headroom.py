"""Which figures of limits are to be made: those whose minutes, or what is known of limits, changed since."""

from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256

from django.db.models.functions import TruncDate

from costwatch import clock
from costwatch.directory.history import reading_of
from costwatch.directory.limits import renamed
from costwatch.directory.models import Kind, Organization
from costwatch.ingest import minutes
from costwatch.ingest.models import Coverage
from costwatch.ingest.plan import SETTLES_AFTER
from costwatch.ledger import limit_days, limit_hours, partitions
from costwatch.ledger.models import LimitDayMade, LimitHourMade


def hours_to_make(organization: Organization, now: datetime) -> dict[datetime, str]:
    """The hours whose figures are made of other minutes, or of other knowledge of limits. Newest first.

    Shape: what each is to be made of.
    """
    known = f"{reading_of(organization, Kind.RATE_LIMIT) is not None} {organization.assumed_tier}"
    known += "".join(f" {former}={name}" for former, name in sorted(renamed(organization).items()))
    made = dict(LimitHourMade.objects.filter(organization=organization).values_list("hour", "made_of"))
    kept = clock.midnight(partitions.oldest_kept(now.date()))
    hours = Coverage.objects.filter(organization=organization, source=minutes.SOURCE, start__gte=kept)
    found = {}
    for hour, digest in hours.values_list("start", "digest").order_by("-start"):
        made_of = sha256(bytes(digest) + known.encode()).hexdigest()
        if made.get(hour) != made_of:
            found[hour] = made_of
    return found


def days_to_make(organization: Organization, now: datetime) -> list[date]:
    """The days of which hours were made since their figures were; a day counts when it is six hours over."""
    kept, until = clock.midnight(partitions.oldest_kept(now.date())), clock.floor_day(now - SETTLES_AFTER)
    hours = LimitHourMade.objects.filter(organization=organization, hour__gte=kept, hour__lt=until)
    days = hours.annotate(day=TruncDate("hour")).values_list("day", flat=True).distinct()
    made = set(LimitDayMade.objects.filter(organization=organization).values_list("day", flat=True))
    return sorted(set(days) - made, reverse=True)


def make_hours(organization: Organization, now: datetime, renew: Callable[[], None]) -> None:
    """Make every hour that is to be made, newest first. Safe to be cut short: what is left is found again."""
    limit_hours.make_hours(organization, hours_to_make(organization, now), renew)


def make_days(organization: Organization, now: datetime, renew: Callable[[], None]) -> None:
    """Make every day that is to be made, of its hours."""
    for day in days_to_make(organization, now):
        limit_days.make_day(organization, day)
        renew()
