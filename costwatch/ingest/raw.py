"""What was read, as it came: kept compressed for 35 days, so that facts can be made again from it."""

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from costwatch import clock
from costwatch.ingest.coverage import Owner
from costwatch.ingest.models import RawBucket
from costwatch.upstream.pages import Bucket, bucket_of

KEPT = 35 * clock.DAY
# A little of what a stronger one would save, at a fraction of its time.
LEVEL = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """One bucket as the vendor last told it, by chain.

    Shape: `is_whole` says that all its chains were kept together at least once.
    """

    start: datetime
    chains: Mapping[str, Bucket]
    is_whole: bool


def keep(
    *,
    owner: Owner,
    buckets: Mapping[datetime, Mapping[str, Bucket]],
    whole: Collection[datetime],
    width: timedelta,
    run: int,
    now: datetime,
) -> None:
    """Keep some buckets by chain; of `whole` ones every chain there is was read.

    Call in the transaction that records them. What is older than 35 days is not kept.
    """
    RawBucket.objects.bulk_create(
        (
            RawBucket(
                organization_id=owner.organization_id,
                source=owner.source,
                start=start,
                read_at=now,
                run=run,
                is_whole=start in whole,
                body=_packed(chains),
            )
            for start, chains in buckets.items()
            if now - start - width < KEPT
        )
    )


def kept(owner: Owner, since: datetime, until: datetime, width: timedelta) -> Iterator[Kept]:
    """The buckets of [since, until) that were kept, oldest first, each chain as it was last told."""
    rows = RawBucket.objects.filter(
        organization=owner.organization_id, source=owner.source, start__gte=since, start__lt=until
    ).order_by("start", "pk")
    start: datetime | None = None
    chains: dict[str, Bucket] = {}
    is_whole = False
    for row in rows.iterator(chunk_size=200):
        if row.start != start:
            if start is not None:
                yield Kept(start, chains, is_whole)
            start, chains, is_whole = row.start, {}, False
        is_whole = is_whole or row.is_whole
        told = _unpacked(bytes(row.body), row.start, row.start + width)
        # Where every chain was read, what an earlier read had besides is no longer said.
        chains = told if row.is_whole else chains | told
    if start is not None:
        yield Kept(start, chains, is_whole)


def prune(now: datetime) -> int:
    """Let go of what was read more than 35 days ago. Shape: how many buckets."""
    return RawBucket.objects.filter(read_at__lt=now - KEPT).delete()[0]


def _packed(chains: Mapping[str, Bucket]) -> bytes:
    return zlib.compress(
        msgspec.json.encode({name: msgspec.Raw(bucket.content) for name, bucket in chains.items()}), LEVEL
    )


def _unpacked(body: bytes, start: datetime, end: datetime) -> dict[str, Bucket]:
    chains = msgspec.json.decode(zlib.decompress(body), type=dict[str, list[msgspec.Raw]])
    return {name: bucket_of(start, end, rows) for name, rows in chains.items()}
