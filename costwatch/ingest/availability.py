"""Which sources may be read: kept with its history, so that a report as of a time can say what it said then."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from costwatch.directory.models import Organization
from costwatch.ingest.models import AvailabilityChange, Source

# Why the sources of an organization are closed whose credential is gone.
REMOVED = "no credential reads this organization any more"


def close(sources: QuerySet[Source], reason: str, now: datetime) -> None:
    """Say of sources that they may not be read, and why. In a transaction."""
    remember(sources.select_for_update().filter(available=True), available=False, now=now)
    sources.update(available=False, reason=reason, checked_at=now)


def reopen(sources: QuerySet[Source], now: datetime) -> None:
    """Say of sources that they may be read, as far as is known. In a transaction."""
    remember(sources.select_for_update().filter(available=False), available=True, now=now)
    sources.update(available=True, reason="", checked_at=None)


def is_absent(reason: str) -> bool:
    """Whether the vendor says that an organization does not have a source: no key would help."""
    return reason.startswith("404")


def remember(changed: Iterable[Source], *, available: bool, now: datetime) -> None:
    """Write down that it changed whether some sources may be read."""
    AvailabilityChange.objects.bulk_create(
        AvailabilityChange(organization_id=one.organization_id, source=one.name, available=available, seen_at=now)
        for one in changed
    )


def closed(organization: Organization, as_of: datetime | None = None) -> set[str]:
    """The sources of an organization that may not be read, now or at a time."""
    if as_of is None:
        rows = Source.objects.filter(organization=organization, available=False)
        return set(rows.values_list("name", flat=True))
    changes = AvailabilityChange.objects.filter(organization=organization, seen_at__lte=as_of).order_by("seen_at", "pk")
    states = dict(changes.values_list("source", "available"))
    return {source for source, available in states.items() if not available}
