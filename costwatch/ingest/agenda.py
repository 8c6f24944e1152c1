"""What is due of a source, and how much of it the hour's share of questions affords."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import coverage
from costwatch.ingest.models import Run
from costwatch.ingest.pace import AN_HOUR, affordable
from costwatch.ingest.plan import Cadence, Planned, Why, due, windows
from costwatch.ingest.runs import may_run, source_of
from costwatch.ingest.sources import EVERY, Listed, Windowed


def is_due(organization: Organization, source: str, now: datetime) -> bool:
    """Whether a source has work now that the hour's share affords. Reads the database only."""
    health = source_of(organization.pk, source)
    if not may_run(health, now):
        return False
    which = EVERY[source]
    if isinstance(which, Listed):
        return health.last_success_at is None or now - health.last_success_at >= which.every
    planned = windows(buckets_due(organization, which, now), which.cadence)
    return bool(afforded(organization, which, planned, now))


def buckets_due(organization: Organization, which: Windowed, now: datetime) -> dict[datetime, Why]:
    """The buckets of a source that are due."""
    since = which.since(organization, now)
    known = coverage.standings(organization.pk, which.name, since, now, compares=which.compares)
    return due(known, since=since, now=now, cadence=paced(which.cadence))


def paced(cadence: Cadence) -> Cadence:
    """A cadence for as many questions an hour as the settings allow."""
    return cadence.paced(settings.REQUESTS_PER_HOUR / AN_HOUR)


def afforded(
    organization: Organization,
    which: Windowed,
    planned: list[Planned],
    now: datetime,
    asked: Mapping[str, int] | None = None,
) -> list[Planned]:
    """Those windows that this hour's share allows; `asked` are the questions of a run that is not written down yet."""
    lately = Counter(asked or {})
    rows = Run.objects.filter(organization=organization, source=which.name, started_at__gt=now - clock.HOUR)
    for counted in rows.values_list("asked", flat=True):
        lately.update(counted)
    return affordable(planned, lately, which.shares, settings.REQUESTS_PER_HOUR)
