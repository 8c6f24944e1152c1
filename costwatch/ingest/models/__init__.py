"""The bookkeeping of ingestion."""

from costwatch.ingest.models.books import Coverage, CoverageChange, EqualRead, State
from costwatch.ingest.models.findings import Check, Novelty, Quarantined, RawBucket
from costwatch.ingest.models.installation import Installation
from costwatch.ingest.models.work import Again, AvailabilityChange, Heartbeat, Lease, Part, Run, Slot, Source

__all__ = [
    "Again",
    "AvailabilityChange",
    "Check",
    "Coverage",
    "CoverageChange",
    "EqualRead",
    "Heartbeat",
    "Installation",
    "Lease",
    "Novelty",
    "Part",
    "Quarantined",
    "RawBucket",
    "Run",
    "Slot",
    "Source",
    "State",
]
