"""How every source stands, for people: how far it goes, and why it does not go further."""

from dataclasses import dataclass
from datetime import UTC, datetime

from costwatch.directory.models import Organization
from costwatch.ingest.coverage import Owner, last_reads
from costwatch.ingest.epoch import Epoch
from costwatch.ingest.models import Coverage, Source
from costwatch.ingest.sources import WINDOWED

# Among the newest three days of hours, one was read after it was over, or the source has stood still for long.
RECENT = 72


@dataclass(frozen=True, slots=True)
class Standing:
    """How one source of an organization stands.

    `through` is how far its newest bucket goes, `whole_until` the end of the newest bucket read after it was over; None
    where there is none.
    """

    source: str
    available: bool
    reason: str
    through: datetime | None
    whole_until: datetime | None
    last_success: datetime | None
    last_error: str
    failures: int


def standings(organization: Organization) -> list[Standing]:
    """How every source of an organization stands. Every page asks: a few rows of each, read as numbers."""
    made = []
    for row in Source.objects.filter(organization=organization).order_by("name"):
        through, whole_until = _reach(organization, row.name)
        made.append(
            Standing(
                source=row.name,
                available=row.available,
                reason=row.reason,
                through=through,
                whole_until=whole_until,
                last_success=row.last_success_at,
                last_error=row.last_error,
                failures=row.failures,
            )
        )
    return made


def _reach(organization: Organization, source: str) -> tuple[datetime | None, datetime | None]:
    """How far the newest bucket of a source goes, and the end of the newest one read after it was over."""
    if source not in WINDOWED:
        return None, None
    covered = WINDOWED[source].coverage[-1]
    found = Coverage.objects.filter(organization=organization, source=covered).order_by("-start")
    columns = found.values_list(Epoch("start"), Epoch("end"), Epoch("last_read_at"))
    recent = [(_moment(start), _moment(end), _moment(read_at)) for start, end, read_at in columns[:RECENT]]
    if not recent:
        return None, None
    read_at = last_reads(Owner(organization.pk, covered), recent)
    (start, end, _), *_rest = recent
    whole = next((end for start, end, _ in recent if read_at[start] >= end), None)
    return min(end, read_at[start]), whole


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
