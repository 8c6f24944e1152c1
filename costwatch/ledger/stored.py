"""Facts as they stand, read back for whoever records the next ones."""

from collections.abc import Collection
from datetime import datetime

from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.models import COUNTS, Fact

_DIMENSIONS = tuple(f"series__{name}" for name in UsageDims._fields)


def divided(
    organization_id: int, starts: Collection[datetime], speed: str, window: str
) -> dict[datetime, dict[UsageDims, Counts]]:
    """The facts of some hours that are not plain: of another speed or context window than what no splitter names."""
    found: dict[datetime, dict[UsageDims, Counts]] = {}
    if not starts:
        return found
    rows = (
        Fact.objects.filter(bucket_start__in=starts, series__organization=organization_id)
        .exclude(series__speed=speed, series__context_window=window)
        .values_list("bucket_start", *_DIMENSIONS, *COUNTS)
    )
    for start, *values in rows:
        dims = UsageDims(*values[: len(_DIMENSIONS)])
        found.setdefault(start, {})[dims] = tuple(values[len(_DIMENSIONS) :])
    return found
