"""What is due of a source, and how much of it the hour's share of questions affords."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import again
from costwatch.ingest.models import Run, Source
from costwatch.ingest.pace import affordable
from costwatch.ingest.plan import Planned
from costwatch.ingest.planners import Buckets, Room
from costwatch.ingest.runs import may_run, source_of
from costwatch.ingest.sources import EVERY, SOURCES, Listed, Windowed


def due(organization: Organization, now: datetime, sources: Iterable[str] = SOURCES) -> list[str]:
    """The sources that have work now that the hour's share affords. Reads the database only."""
    known = {health.name: health for health in Source.objects.filter(organization=organization)}
    waiting = again.waiting(organization)
    return [
        name
        for name in sources
        if may_run(health := known.get(name) or source_of(organization.pk, name), now)
        and (name in waiting or _is_due(organization, EVERY[name], health, now))
    ]


def is_due(organization: Organization, source: str, now: datetime) -> bool:
    """Whether a source has work now that the hour's share affords."""
    return bool(due(organization, now, (source,)))


def _is_due(organization: Organization, which: Windowed | Listed, health: Source, now: datetime) -> bool:
    if isinstance(which, Listed):
        return health.last_success_at is None or now - health.last_success_at >= which.every
    return bool(afforded(organization, which, windows_due(organization, which, now), now))


def windows_due(organization: Organization, which: Windowed, now: datetime, room: Room | None = None) -> list[Planned]:
    """The windows of a source that are due, newest first."""
    since = which.since(organization, now)
    buckets = Buckets(organization.pk, which.coverage, since, which.cadence, which.compares)
    return which.planner(buckets, now, room)


def afforded(
    organization: Organization,
    which: Windowed,
    planned: list[Planned],
    now: datetime,
    asked: Mapping[str, int] | None = None,
) -> list[Planned]:
    """Those windows that this hour's share allows; `asked` are the questions of a run that is not written down yet."""
    if not planned:
        return []
    return affordable(planned, asked_lately(organization, which, now, asked), which.budget, settings.REQUESTS_PER_HOUR)


def asked_lately(
    organization: Organization, which: Windowed, now: datetime, asked: Mapping[str, int] | None = None
) -> Counter[str]:
    """The questions of the last hour by reason, those of a run that is not written down yet included."""
    lately = Counter(asked or {})
    rows = Run.objects.filter(organization=organization, source=which.name, started_at__gt=now - clock.HOUR)
    for counted in rows.values_list("asked", flat=True):
        lately.update(counted)
    return lately
