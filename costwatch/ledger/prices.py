"""The price table in force, and its publications: each version once, with its whole text, never changed."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from costwatch import clock
from costwatch.ledger.models import PricePublication
from pricing import table as price_table
from pricing.table import PriceTable


@dataclass(frozen=True, slots=True)
class Prices:
    """A price table and the number of its publication."""

    table: PriceTable
    publication_id: int


@lru_cache(maxsize=4)
def _load(overlay: str, stamp: int) -> PriceTable:
    return price_table.load([Path(overlay)] if overlay else [])


def table() -> PriceTable:
    """The shipped table with the overlay of `COSTWATCH_PRICES_FILE`, read again when that file changes.

    Raises: pricing.table.PriceTableError with every problem and its place; OSError when the file cannot be read.
    """
    overlay = settings.PRICES_FILE
    return _load(overlay, Path(overlay).stat().st_mtime_ns if overlay else 0)


def current() -> Prices:
    """The table in force, published on first use."""
    now = table()
    publication, _ = PricePublication.objects.get_or_create(
        version=now.version,
        defaults={"sources": [list(pair) for pair in now.sources], "published_at": clock.now()},
    )
    return Prices(now, publication.pk)


def published(publication: PricePublication) -> PriceTable:
    """The table of a past publication, rebuilt from its text."""
    return price_table.from_sources([(name, text) for name, text in publication.sources])
