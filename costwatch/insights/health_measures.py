"""Data health as numbers, for a monitoring system: one record a source, and a few of the installation."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Max

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.agenda import is_due
from costwatch.ingest.models import Novelty, Quarantined, Run
from costwatch.ingest.sources import SOURCES
from costwatch.insights.coverage_calendar import kept_calendar
from costwatch.insights.health import SourceHealth, sources
from costwatch.insights.health_proofs import ControlTotals, control_totals, proofs
from costwatch.insights.health_totals import Work, totals
from costwatch.ledger.models import SeriesDay
from costwatch.role import BEAT, WORKER


@dataclass(frozen=True, slots=True)
class SourceMeasure:
    """One source of one organization, which the vendor's id names.

    Shape: `buckets` counts by state, missing ones included; `work` by the outcome of runs; `totals` is None where the
    vendor's own totals were not compared.
    """

    organization: str
    health: SourceHealth
    buckets: dict[str, int]
    set_aside: int
    unknown: int
    work: dict[str, Work]
    totals: ControlTotals | None


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that is measured.

    Units: `heartbeats` and `queue_age` seconds, `database_bytes` bytes; tokens of this month. Shape: `proofs` by
    organization and name.
    """

    sources: list[SourceMeasure]
    heartbeats: dict[str, float]
    unpriced_tokens: dict[str, int]
    database_bytes: int
    queue_age: float
    proofs: dict[tuple[str, str], bool]


def measures() -> Measures:
    """Measure now. Raises: django.db.Error when the database does not answer."""
    organizations = list(Organization.objects.order_by("pk"))
    work = totals.get()
    aside, unknown = _counted(Quarantined), _counted(Novelty)
    made = []
    for organization in organizations:
        cover = kept_calendar(organization)
        compared = {one.source: one for one in control_totals(organization)}
        for one in sources(organization, cover):
            key = (organization.pk, one.source)
            made.append(
                SourceMeasure(
                    organization=organization.external_id,
                    health=one,
                    buckets=cover.of(one.source),
                    set_aside=aside.get(key, 0),
                    unknown=unknown.get(key, 0),
                    work={outcome: done for (*of, outcome), done in work.items() if tuple(of) == key},
                    totals=compared.get(one.source),
                )
            )
    ages = heartbeat.ages()
    return Measures(
        sources=made,
        heartbeats={role: age.total_seconds() for role in (BEAT, WORKER) if (age := ages.of(role)) is not None},
        unpriced_tokens={one.external_id: _unpriced(one) for one in organizations},
        database_bytes=_database_bytes(),
        queue_age=max((_waits(one) for one in organizations), default=0.0),
        proofs={(one.external_id, proof.name): proof.ok for one in organizations for proof in proofs(one)},
    )


def _counted(model: type[Quarantined] | type[Novelty]) -> dict[tuple[int, str], int]:
    rows = model.objects.values_list("organization_id", "source").annotate(number=Count("id")).order_by()
    return {(organization, source): number for organization, source, number in rows}


def _unpriced(organization: Organization) -> int:
    """Tokens of this month without a price."""
    rows = SeriesDay.objects.filter(
        unpriced_tokens__gt=0, held=False, day__gte=clock.month_start(clock.today()), series__organization=organization
    )
    # Summed here: SQLite's own sum of large integers overflows.
    return sum(rows.values_list("unpriced_tokens", flat=True))


def _waits(organization: Organization) -> float:
    """For how long the source that is due and waited longest has not been at work. Units: seconds."""
    now = clock.now()
    waiting = [source for source in SOURCES if is_due(organization, source, now)]
    rows = Run.objects.filter(organization=organization, source__in=waiting).values_list("source")
    newest = dict(rows.annotate(Max("finished_at")).order_by())
    since = [newest.get(source) or organization.created_at for source in waiting]
    return max(((now - one).total_seconds() for one in since), default=0.0)


def _database_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
