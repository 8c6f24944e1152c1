"""How much one window or page may hold: as many buckets as stay comfortable in memory, whatever the size.

A week of hours is the most the vendor answers at once; for a thousand keys that is 90 MB, and several are under way.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, QuerySet

from costwatch import clock
from costwatch.ingest.connect import Connection
from costwatch.ingest.models import Coverage
from costwatch.ledger.models import Fact, MinuteFact, Series
from costwatch.upstream import usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import UpstreamError
from costwatch.upstream.pages import COMFORTABLE_BYTES, Window

# A row with every dimension, as the vendor writes it.
BYTES_A_ROW = 550
HOURS_A_DAY = 24
MINUTES_AN_HOUR = 60
# A window of minutes is two chains, and one is recorded while four are fetched.
WINDOW_OF_MINUTES = COMFORTABLE_BYTES // 3
# A history of fewer windows is read before it is weighed.
WORTH_WEIGHING = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """How many buckets a page of an answer holds, and how many hours or days a window."""

    page: int
    window: int


def rows_an_hour(organization_id: int) -> float | None:
    """How many rows an hour has, by the newest day that was read; None where none was."""
    hours = Coverage.objects.filter(organization=organization_id, source="usage")
    newest = hours.aggregate(newest=Max("start"))["newest"]
    if newest is None:
        return None
    day = Fact.objects.filter(bucket_start__gt=newest - clock.DAY, bucket_start__lte=newest)
    return _rows(organization_id, day) / HOURS_A_DAY


def fitting(rows: float, most: int) -> int:
    """How many buckets of so many rows are comfortable: whole days where it can be, never more than are answered."""
    fit = int(COMFORTABLE_BYTES / (max(rows, 1) * BYTES_A_ROW))
    if fit > HOURS_A_DAY:
        fit -= fit % HOURS_A_DAY
    return max(1, min(most, fit))


def fit_hours(connection: Connection, planned: int) -> Fit:
    """What pages and windows of hours hold; before a first history of several windows the vendor is asked."""
    rows = rows_an_hour(connection.organization.pk)
    if rows is None and planned > WORTH_WEIGHING:
        rows = weigh(clock.floor_day(clock.now()) - clock.DAY, connection.client)
    most = fitting(rows or 0, usage.BUCKET_LIMITS["1h"])
    return Fit(most, most)


def rows_a_minute(organization_id: int) -> float | None:
    """How many rows a minute has, by the newest hour that was read whole; else by a third of an hour's.

    Shape: None where neither was read.
    """
    hours = Coverage.objects.filter(organization=organization_id, source="minutes", last_read_at__gt=F("end"))
    newest = hours.aggregate(newest=Max("start"))["newest"]
    if newest is None:
        an_hour = rows_an_hour(organization_id)
        return None if an_hour is None else an_hour / 3
    hour = MinuteFact.objects.filter(minute__gte=newest, minute__lt=newest + clock.HOUR)
    return _rows(organization_id, hour) / MINUTES_AN_HOUR


def _rows(organization_id: int, facts: "QuerySet[Fact] | QuerySet[MinuteFact]") -> int:
    """How many of some facts are an organization's.

    Not joined: where its statistics are young a database goes through all of the span for each series.
    """
    mine = set(Series.objects.filter(organization=organization_id).values_list("pk", flat=True))
    by_series = facts.values_list("series_id").annotate(rows=Count("*")).order_by()
    return sum(rows for number, rows in by_series if number in mine)


def fit_minutes(connection: Connection, _: int) -> Fit:
    """What pages and windows of minutes hold: windows are counted in hours."""
    rows = rows_a_minute(connection.organization.pk) or 0
    hours = _minutes(rows, WINDOW_OF_MINUTES) // MINUTES_AN_HOUR
    return Fit(_minutes(rows, COMFORTABLE_BYTES), max(1, min(HOURS_A_DAY, hours)))


def _minutes(rows: float, size: int) -> int:
    most = usage.BUCKET_LIMITS["1m"]
    return max(1, min(most, int(size / (max(rows, 1) * BYTES_A_ROW))))


def weigh(day: datetime, client: AdminClient) -> float:
    """How many rows an hour has, asked of the vendor: one request for a day; 0 where it is not answered."""
    try:
        report = usage.read(client, Window(day, day + clock.DAY), usage.BASE, limit=HOURS_A_DAY)
    except UpstreamError:
        # Whoever reads the windows will be told why.
        return 0
    return sum(len(bucket.rows) for bucket in report.buckets) / HOURS_A_DAY
