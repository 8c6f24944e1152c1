"""The product's own way from a page's bytes to facts, without the network: decode, digest, parse, split, record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from costwatch.directory.models import Organization
from costwatch.ingest import split
from costwatch.ledger.intern import Interned
from costwatch.ledger.record import Recorded, UsageBucket, record_usage
from costwatch.upstream import pages, usage
from costwatch.upstream.pages import Bucket

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def organization() -> Organization:
    """The organization the facts are recorded for."""
    made, _ = Organization.objects.get_or_create(external_id="org-bench", defaults={"name": "Bench", "created_at": NOW})
    return made


def digests(body: bytes) -> list[Bucket]:
    """A page as buckets with their digests: what is read of a page in which nothing changed."""
    return list(pages.buckets_of(body))


class Run:
    """What a run keeps from page to page: the names and numbers of the dimensions it has met."""

    def __init__(self) -> None:
        self._interned, self._names = Interned(organization().pk), split.Names()

    def record(self, body: bytes) -> Recorded:
        """A page to facts, in one transaction."""
        made = [
            UsageBucket(bucket.start, split.facts(usage.parse(bucket).rows, names=self._names))
            for bucket in digests(body)
        ]
        self._interned.usage(dims for bucket in made for dims in bucket.facts)
        with transaction.atomic():
            return record_usage(interned=self._interned, buckets=made, run=1, seen_at=NOW)


def read_whole(body: bytes) -> list[tuple[Any, ...]]:
    """The page's rows as the table holds them."""
    from costwatch.ledger.models import COUNTS, Fact

    Run().record(body)
    return list(Fact.objects.values_list("bucket_start", "series_id", *COUNTS, "run"))
