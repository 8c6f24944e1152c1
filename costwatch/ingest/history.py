"""How far back each source is read."""

from datetime import date, datetime, timedelta

from django.conf import settings

from costwatch import clock
from costwatch.directory import mirror
from costwatch.directory.models import Organization
from costwatch.ingest import cost
from costwatch.ingest.plan import Cadence
from costwatch.ingest.runs import source_of
from costwatch.ledger.models import ReportedLine
from costwatch.upstream.pages import Window

HISTORY = 400 * clock.DAY
EMPTY_PAGES_THAT_END_HISTORY = 3


def history_since(organization: Organization, now: datetime, source: str = cost.SOURCE) -> date:
    """The first day we read: given, found, or the oldest workspace or key, at least 400 days ago.

    The cost report finds where history begins, in a few requests; until it has, the others do not look further back.
    """
    if settings.BACKFILL_SINCE:
        return clock.day(settings.BACKFILL_SINCE)
    if organization.history_since:
        return organization.history_since
    floor = now - HISTORY
    if source != cost.SOURCE and source_of(organization.pk, cost.SOURCE).available:
        return floor.date()
    oldest = mirror.oldest(organization)
    return min(oldest, floor).date() if oldest else floor.date()


def since(
    organization: Organization, now: datetime, source: str, horizon: timedelta | None, first: date | None
) -> date:
    """The first day a source is read from: its own horizon and first day, never before the history of the others."""
    begins = history_since(organization, now, source)
    if horizon is not None:
        begins = max(begins, (now - horizon).date())
    return max(begins, first) if first else begins


class EndOfHistory:
    """The cost report tells where history begins: three empty pages in a row, newest first, end it."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._empty_pages = 0

    def is_reached(self, window: Window, cadence: Cadence) -> bool:
        """Whether nothing before a window that was just recorded needs to be read."""
        if self._organization.history_since:
            return False
        has_lines = ReportedLine.objects.filter(
            day__gte=window.start.date(), day__lt=window.end.date(), series__organization=self._organization
        ).exists()
        is_full = (window.end - window.start) // cadence.width >= cadence.most
        self._empty_pages = 0 if has_lines else self._empty_pages + (1 if is_full else 0)
        begins = clock.midnight(history_since(self._organization, clock.now()))
        if self._empty_pages < EMPTY_PAGES_THAT_END_HISTORY and window.start > begins:
            return False
        self._organization.history_since = window.start.date()
        self._organization.save(update_fields=["history_since"])
        return True
