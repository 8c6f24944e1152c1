"""The price table in force, and its publications: each version once, with its whole text, never changed."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from costwatch import clock
from costwatch.ledger.models import PriceChange, PricePublication
from pricing import table as price_table
from pricing.table import PriceTable


@dataclass(frozen=True, slots=True)
class Prices:
    """A price table and the number of its publication."""

    table: PriceTable
    publication_id: int

    def splits(self, model: str, day: date) -> bool:
        """Whether the price of a model may depend on its speed or context window on a day; of an unknown one it may."""
        plain = self.table.resolve(model, day)
        others = (
            self.table.resolve(model, day, speed="fast"),
            self.table.resolve(model, day, context_window="200k-1M"),
        )
        return plain.model is None or any((one.low, one.high) != (plain.low, plain.high) for one in others)


@lru_cache(maxsize=4)
def _load(overlay: str, stamp: int) -> PriceTable:
    return price_table.load([Path(overlay)] if overlay else [])


def configured() -> PriceTable:
    """The shipped table with the overlay of `COSTWATCH_PRICES_FILE`, read again when that file changes.

    Raises: pricing.table.PriceTableError with every problem and its place; ImproperlyConfigured when there is no file.
    """
    overlay = settings.PRICES_FILE
    try:
        return _load(overlay, Path(overlay).stat().st_mtime_ns if overlay else 0)
    except OSError as error:
        raise ImproperlyConfigured(f"COSTWATCH_PRICES_FILE {overlay} cannot be read: {error.strerror}") from None


def publish() -> Prices:
    """The configured table, published on first use and noted as coming into force where another one was.

    For the side that writes charges; who only reads asks `in_force`.
    """
    now = configured()
    with transaction.atomic():
        publication, _ = PricePublication.objects.get_or_create(
            version=now.version,
            defaults={"sources": [list(pair) for pair in now.sources], "published_at": clock.now()},
        )
        newest = PriceChange.objects.order_by("-pk").first()
        if newest is None or newest.publication_id != publication.pk:
            PriceChange.objects.create(publication=publication, seen_at=clock.now())
    return Prices(now, publication.pk)


def in_force(at: datetime | None = None) -> PriceTable:
    """The table the charges are made with, now or at a past time; the configured one before anything was priced.

    While a change is being applied it is the table before it: a figure never names a table that did not price it.
    """
    changes = PriceChange.objects.exclude(applied_at=None)
    if at is not None:
        changes = changes.filter(applied_at__lte=at)
    newest = changes.order_by("-pk").select_related("publication").first()
    if newest is None:
        return configured()
    return published(newest.publication)


def published(publication: PricePublication) -> PriceTable:
    """The table of a publication, rebuilt from its text."""
    return _rebuilt(publication.version, tuple((name, text) for name, text in publication.sources))


@lru_cache(maxsize=4)
def _rebuilt(version: str, sources: tuple[tuple[str, str], ...]) -> PriceTable:
    return price_table.from_sources(sources)
