"""How far buckets go: when they were last read, by themselves or in spans that found them as they were."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from costwatch.ingest.models import Coverage, EqualRead, Source

# When it starts and ends, and when it was last read.
Bucket = tuple[datetime, datetime, datetime]


def last_reads(organization_id: int, source: str, buckets: Sequence[Bucket]) -> dict[datetime, datetime]:
    """When some buckets were last read, spans that found them as they were included.

    Shape: by the start of the bucket.
    """
    if not buckets:
        return {}
    starts = [start for start, _, _ in buckets]
    spans = EqualRead.objects.filter(
        organization=organization_id, source=source, end__gt=min(starts), start__lte=max(starts)
    )
    return with_spans(buckets, spans.values_list("start", "end", "read_at"))


def with_spans(buckets: Iterable[Bucket], spans: Iterable[Bucket]) -> dict[datetime, datetime]:
    """When buckets of one source were last read, by themselves or in spans of them that were found as they were.

    Shape: by the start of the bucket.
    """
    ordered = sorted(buckets)
    starts = [start for start, _, _ in ordered]
    last = {start: read_at for start, _, read_at in ordered}
    for since, until, read_at in spans:
        for start, end, _ in ordered[bisect_left(starts, since) : bisect_left(starts, until)]:
            if end <= until and read_at > last[start]:
                last[start] = read_at
    return last


def through(rows: QuerySet[Coverage]) -> datetime | None:
    """How far the newest of some buckets goes: to its end, or to when it was last read.

    By itself, within a span, or in part, as the minutes of the hour under way are.
    """
    spans = EqualRead.objects.filter(
        organization=OuterRef("organization"),
        source=OuterRef("source"),
        start__lte=OuterRef("start"),
        end__gte=OuterRef("end"),
    )
    again = Subquery(spans.order_by("-read_at").values("read_at")[:1])
    polled = Source.objects.filter(organization=OuterRef("organization"), name=OuterRef("source")).values("polled_at")
    newest = rows.order_by("-start").values_list("end", "last_read_at", again, Subquery(polled)).first()
    return None if newest is None else reach(*newest)


def reach(end: datetime, *reads: datetime | None) -> datetime:
    """How far a bucket goes that ends at `end`: to the newest of its reads, some of which there were not."""
    return min(end, max(one for one in reads if one))
