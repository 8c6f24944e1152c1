"""How far the history is read, for the terminal and the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.history import history_since
from costwatch.ingest.models import Coverage, Source
from costwatch.ingest.sources import COST_SOURCE, USAGE_SOURCE

BUCKETS_A_DAY = {COST_SOURCE: 1, USAGE_SOURCE: 24}


@dataclass(frozen=True, slots=True)
class Progress:
    """Days of history read of those there are, over the sources that may be read."""

    done: int
    total: int
    failing: str

    @property
    def percent(self) -> int:
        return 100 if self.total == 0 else min(100, self.done * 100 // self.total)

    @property
    def is_done(self) -> bool:
        return self.done >= self.total


def progress(organization: Organization, sources: Iterable[Source] | None = None) -> Progress:
    """How many days of usage and cost are read, counted in buckets; `sources` are its rows where they are known.

    The day under way is no history: its hours come and go as due while it lasts.
    """
    now = clock.now()
    today = clock.floor_day(now)
    rows = Source.objects.filter(organization=organization) if sources is None else sources
    health = {one.name: one for one in rows}
    total, history = 0, Q()
    for source in BUCKETS_A_DAY:
        if source in health and not health[source].available:
            continue
        # Until the cost report has found where history begins, both are measured by what usage will read at least:
        # a bar that counts days which turn out not to exist would go backwards.
        measured_by = source if organization.history_since else USAGE_SOURCE
        since = clock.midnight(history_since(organization, now, measured_by))
        total += max(0, (today - since) // clock.DAY)
        history |= Q(source=source, start__gte=since, start__lt=today)
    done = 0
    if total:
        read = Coverage.objects.filter(history, organization=organization).values_list("source")
        done = sum(count // BUCKETS_A_DAY[source] for source, count in read.annotate(Count("start")).order_by())
    failing = next((one.last_error for one in health.values() if one.failures), "")
    return Progress(done, total, failing.splitlines()[0] if failing else "")
