"""A report whose single bucket is too large for one answer, read in slices: by model, then by tier, then by geography.

Never by workspace or key: their nulls (the default workspace, no key) cannot be filtered, and would be lost. The null
of a slicing dimension cannot be filtered either: what has none comes from one more, coarser question, without its key
and workspace, but whole.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from costwatch.upstream.errors import TooLarge
from costwatch.upstream.pages import Bucket, Report, bucket_of

Filters = tuple[tuple[str, str], ...]
Ask = Callable[[Sequence[str], Filters], Report]
# The dimension, and the parameter that filters by it.
SLICED_BY = (("model", "models[]"), ("service_tier", "service_tiers[]"), ("inference_geo", "inference_geos[]"))


def sliced(ask: Ask, group_by: Sequence[str], filters: Filters = (), depth: int = 0) -> Report:
    """Every bucket of a question, put together from slices. Raises: TooLarge where the finest slice still is."""
    if depth == len(SLICED_BY) or SLICED_BY[depth][0] not in group_by:
        raise TooLarge("one bucket is larger than an answer may be, even one model, tier and geography at a time")
    dimension, parameter = SLICED_BY[depth]
    coarse = ask([name for name, _ in SLICED_BY if name in group_by], filters)
    parts = [_without(coarse, dimension)]
    for value in _values(coarse, dimension):
        narrowed = (*filters, (parameter, value))
        try:
            parts.append(ask(group_by, narrowed))
        except TooLarge:
            parts.append(sliced(ask, group_by, narrowed, depth + 1))
    return _together(parts)


def _values(report: Report, dimension: str) -> list[str]:
    rows = (msgspec.json.decode(bytes(raw)) for bucket in report.buckets for raw in bucket.rows)
    return sorted({row[dimension] for row in rows if isinstance(row, dict) and isinstance(row.get(dimension), str)})


def _without(report: Report, dimension: str) -> Report:
    """The rows of a coarse report that have no value of a dimension, rows that cannot be read among them."""
    return Report(
        tuple(bucket_of(one.start, one.end, list(_unnamed(one, dimension))) for one in report.buckets),
        report.largest_page,
    )


def _unnamed(bucket: Bucket, dimension: str) -> Iterable[msgspec.Raw]:
    for raw in bucket.rows:
        row = msgspec.json.decode(bytes(raw))
        if not (isinstance(row, dict) and isinstance(row.get(dimension), str)):
            yield msgspec.Raw(bytes(raw))


def _together(parts: Sequence[Report]) -> Report:
    ends: dict[datetime, datetime] = {}
    rows: dict[datetime, list[msgspec.Raw]] = {}
    for part in parts:
        for bucket in part.buckets:
            ends[bucket.start] = bucket.end
            rows.setdefault(bucket.start, []).extend(bucket.rows)
    made = tuple(bucket_of(start, ends[start], rows[start]) for start in sorted(rows))
    return Report(made, max(part.largest_page for part in parts))
