"""Which minutes to read next. Pure.

Coverage of minutes is kept by the hour. The newest 20 minutes are polled every 5; once an hour, five minutes after it
began, the last 24 hours are read; once a day, six hours after it ended, the last two days. A read of an hour that is
six hours old and finds it as it was settles it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from costwatch.clock import DAY, HOUR, MINUTE, floor_day, floor_hour
from costwatch.ingest.plan import SETTLES_AFTER, SLACK, Planned, Standing, Why
from costwatch.upstream.pages import Window

POLLED, POLLED_EVERY = timedelta(minutes=20), timedelta(minutes=5)
LAG = timedelta(minutes=5)
HOURS_A_DAY = 24


def due_minutes(
    known: Mapping[datetime, Standing],
    *,
    since: datetime,
    now: datetime,
    polled_at: datetime | None,
    share: float = 1,
    most: int = HOURS_A_DAY,
) -> list[Planned]:
    """The windows to read now, newest first; those of whole hours end at midnights.

    Shape: `known` by hour; `share` is how often the newest minutes are polled beside what is usual; `most` is how many
    hours of history a window may hold.
    """
    hour = floor_hour(now)
    hours = _due_hours(known, max(since, floor_hour(since)), now)
    # The hour under way is polled; it is read whole together with the others.
    if not any(why == Why.RECENT for start, why in hours.items() if start < hour):
        hours.pop(hour, None)
        if polled_at is None or now - polled_at >= POLLED_EVERY / share - SLACK:
            end = now.replace(second=0, microsecond=0) + MINUTE
            return [Planned(Window(end - POLLED, end), Why.RECENT), *_windows(hours, most)]
    return _windows(hours, most)


def _due_hours(known: Mapping[datetime, Standing], since: datetime, now: datetime) -> dict[datetime, Why]:
    hour, today = floor_hour(now), floor_day(now)
    hourly = floor_hour(now - LAG) + LAG
    daily = floor_day(now - SETTLES_AFTER - LAG) + SETTLES_AFTER + LAG
    found = {}
    start = hour
    while start >= since:
        bucket = known.get(start)
        is_recent = start > hour - DAY
        if bucket is None:
            found[start] = Why.RECENT if is_recent else Why.MISSING
        elif is_recent:
            if bucket.last_read_at < hourly:
                found[start] = Why.RECENT
        elif today - 2 * DAY <= start < floor_day(daily) and bucket.last_read_at < daily:
            found[start] = Why.AGAIN
        elif bucket.is_open and now - bucket.end >= SETTLES_AFTER:
            found[start] = Why.SETTLING
        start -= HOUR
    return found


def _windows(hours: Mapping[datetime, Why], most: int) -> list[Planned]:
    """Windows of at most a day, which is what one question answers; of history no longer than is comfortable."""
    made: list[Planned] = []
    for start in sorted(hours, reverse=True):
        why, last = hours[start], made[-1] if made else None
        if (
            last
            and last.why == why
            and last.window.start == start + HOUR
            and last.window.end - start <= (most * HOUR if why == Why.MISSING else DAY)
            and (why == Why.RECENT or last.window.start != floor_day(last.window.start))
        ):
            made[-1] = Planned(Window(start, last.window.end), why)
        else:
            made.append(Planned(Window(start, start + HOUR), why))
    return made
