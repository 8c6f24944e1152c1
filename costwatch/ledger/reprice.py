"""Pricing again: when the table changes, charges are made again from the day counts; facts are not touched."""

from collections.abc import Callable, Iterator
from datetime import date

from django.db import transaction

from costwatch import clock
from costwatch.ledger.models import COUNTS, PriceChange, SeriesDay
from costwatch.ledger.prices import Prices
from costwatch.ledger.rollup import mark_stale, refresh_group_months, refresh_series_months, write_day


def is_due() -> bool:
    """Whether charges may still be those of another price table."""
    newest = PriceChange.objects.order_by("-pk").first()
    return newest is not None and newest.applied_at is None


def reprice(prices: Prices, organization_id: int, fence: Callable[[], None]) -> Iterator[date]:
    """Price every day of an organization again, newest first, a transaction each; yields each day that is done.

    Nobody may write the organization's usage meanwhile: `fence` is called in each transaction and raises where that
    does not hold any more. A charge whose own rates are as before keeps its row and its price version. Killed in the
    middle, it starts again.
    """
    mine = SeriesDay.objects.filter(series__organization=organization_id)
    days = list(mine.values_list("day", flat=True).distinct().order_by("-day"))
    for day in days:
        with transaction.atomic():
            fence()
            rows = mine.filter(day=day).values_list("series_id", *COUNTS)
            write_day(organization_id, day, {row[0]: tuple(row[1:]) for row in rows}, prices)
        yield day
    with transaction.atomic():
        fence()
        refresh_group_months(organization_id=organization_id, days=days)
        mark_stale(organization_id=organization_id, days=days)
    refresh_series_months(organization_id=organization_id, fence=fence)


def note_applied(prices: Prices) -> None:
    """Note that every organization is priced with a table."""
    PriceChange.objects.filter(publication=prices.publication_id, applied_at=None).update(applied_at=clock.now())
