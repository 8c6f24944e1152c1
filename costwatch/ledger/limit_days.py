"""What a day's minutes came to beside their limits: peaks and percentiles that outlive the minutes."""

from collections.abc import Iterable, Iterator
from datetime import date

from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ledger.limit_figures import rank, unpack
from costwatch.ledger.limit_hours import locked
from costwatch.ledger.models import LimitDay, LimitDayMade, LimitHour


def make_day(organization: Organization, day: date) -> int:
    """Make the figures of one day from its hours, in place of those made before. Shape: how many rows."""
    start = clock.midnight(day)
    lines: dict[tuple[str, ...], list[LimitHour]] = {}
    with transaction.atomic():
        locked(organization)
        hours = LimitHour.objects.filter(organization=organization, hour__gte=start, hour__lt=start + clock.DAY)
        for hour in hours.order_by("hour").iterator(chunk_size=500):
            lines.setdefault((hour.group_id, hour.pool, hour.workspace_key, hour.limiter), []).append(hour)
        rows = list(_rows(organization, day, lines.values()))
        LimitDay.objects.filter(organization=organization, day=day).delete()
        LimitDay.objects.bulk_create(rows, batch_size=500)
        LimitDayMade.objects.update_or_create(organization=organization, day=day, defaults={"made_at": clock.now()})
    return len(rows)


def _rows(organization: Organization, day: date, lines: Iterable[list[LimitHour]]) -> Iterator[LimitDay]:
    for hours in lines:
        last = hours[-1]
        # Of equal peaks the first; the hours are in their order.
        highest = max(hours, key=lambda hour: hour.peak)
        active = sorted(value for hour in hours for value in unpack(hour.values) if value)
        yield LimitDay(
            organization=organization,
            day=day,
            group_id=last.group_id,
            group=last.group,
            pool=last.pool,
            workspace_key=last.workspace_key,
            limiter=last.limiter,
            limit=last.limit,
            source=last.source,
            peak=highest.peak,
            peak_at=highest.peak_at,
            p95=rank(active, 95),
            median=rank(active, 50),
            minutes_active=len(active),
            minutes_over_80=sum(hour.minutes_over_80 for hour in hours),
            minutes_over_95=sum(hour.minutes_over_95 for hour in hours),
            minutes_over_100=sum(hour.minutes_over_100 for hour in hours),
        )
