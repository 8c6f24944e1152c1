"""What was proved about the data: control totals of settled buckets, and the nightly proofs."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from costwatch.directory.models import Organization
from costwatch.ingest.models import Check, Coverage, Part
from costwatch.ingest.sources import COVERED


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """How many settled buckets of a source compare with the vendor's own total, and which do not.

    Shape: `first` and `last` bound those that differ, None where there is none.
    """

    source: str
    matching: int
    differing: int
    first: datetime | None
    last: datetime | None

    @property
    def compared(self) -> int:
        """How many were compared."""
        return self.matching + self.differing


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest try of one proof."""

    name: str
    ok: bool
    checked_at: datetime
    compared: int
    detail: str


@dataclass(frozen=True, slots=True)
class ClosedPart:
    """A list of a source that this organization, or its key, does not have."""

    source: str
    name: str
    reason: str


def control_totals(organization: Organization) -> list[ControlTotals]:
    """The control totals of every source that has them and was compared."""
    names = [name for name, which in COVERED.items() if which.compares]
    rows = Coverage.objects.filter(organization=organization, source__in=names, control_total_ok__isnull=False)
    differs = Q(control_total_ok=False)
    found = {
        source: ControlTotals(source, every - odd, odd, None, None)
        for source, every, odd in rows.values_list("source")
        .annotate(every=Count("start"), odd=Count("start", filter=differs))
        .order_by()
    }
    for source, made in found.items():
        if made.differing:
            odd = rows.filter(differs, source=source).order_by("start")
            first, last = odd.first(), odd.last()
            assert first is not None
            assert last is not None
            found[source] = ControlTotals(source, made.matching, made.differing, first.start, last.end)
    return [found[name] for name in names if name in found]


def proofs(organization: Organization) -> list[Proof]:
    """The newest try of every proof, in the order they are made."""
    rows = Check.objects.filter(organization=organization)
    newest = rows.values("name").annotate(last=Max("pk")).values_list("last", flat=True)
    fields = ("name", "ok", "checked_at", "compared", "detail")
    return [Proof(*row) for row in Check.objects.filter(pk__in=list(newest)).order_by("pk").values_list(*fields)]


def closed_parts(organization: Organization) -> list[ClosedPart]:
    """The lists that cannot be had, with the vendor's reason."""
    rows = Part.objects.filter(organization=organization, available=False).order_by("source", "name")
    return [ClosedPart(*row) for row in rows.values_list("source", "name", "reason")]
