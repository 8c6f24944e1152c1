"""How far every source goes, as the pill of every page and Data health say it, beside a look at every bucket."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage, EqualRead, Source, State
from costwatch.ingest.reached import through
from costwatch.ingest.sources import WINDOWED
from costwatch.insights.standings import standings

pytestmark = pytest.mark.django_db
HOUR, DAY = clock.HOUR, clock.DAY
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Organization:
    monkeypatch.setenv("COSTWATCH_NOW", clock.rfc3339(NOW))
    return Organization.objects.create(external_id="org-1", name="Example Inc", created_at=NOW)


def bucket(company: Organization, source: str, start: datetime, width: timedelta, read_at: datetime) -> None:
    Coverage.objects.create(
        organization=company,
        source=source,
        start=start,
        end=start + width,
        state=State.OPEN,
        digest=b"",
        first_read_at=read_at,
        last_read_at=read_at,
        changed_at=read_at,
    )


def told(company: Organization) -> dict[str, tuple[datetime | None, datetime | None]]:
    for name in WINDOWED:
        Source.objects.get_or_create(organization=company, name=name)
    return {one.source: (one.through, one.whole_until) for one in standings(company)}


def test_the_newest_bucket_tells_how_far_and_the_newest_read_after_its_end_what_is_whole(company: Organization) -> None:
    for hour, minute in ((12, 58), (13, 30), (14, 4)):
        # Those of 12 and 14 were read before they were over, that of 13 as well.
        bucket(company, "usage", NOW.replace(hour=hour, minute=0), HOUR, NOW.replace(hour=hour, minute=minute))
    bucket(company, "usage", NOW.replace(hour=11, minute=0), HOUR, NOW.replace(hour=12, minute=0))
    assert told(company)["usage"] == (NOW.replace(minute=4), NOW.replace(hour=12, minute=0))


def test_a_span_that_was_found_as_it_was_counts_for_the_buckets_it_holds(company: Organization) -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (18, 19, 20)]
    for day in days:
        bucket(company, "cost", day, DAY, day + 20 * HOUR)
    assert told(company)["cost"] == (datetime(2026, 11, 20, 20, tzinfo=UTC), None)
    EqualRead.objects.create(organization=company, source="cost", start=days[0], end=days[2], read_at=NOW)
    assert told(company)["cost"][1] == datetime(2026, 11, 20, tzinfo=UTC)


def test_what_has_stood_still_for_weeks_is_still_said_to_go_as_far_as_it_does(company: Organization) -> None:
    first = datetime(2026, 10, 1, tzinfo=UTC)
    for hour in range(30):
        bucket(company, "usage", first + hour * HOUR, HOUR, first + 30 * HOUR)
    said = told(company)
    assert said["usage"] == (datetime(2026, 10, 2, 6, tzinfo=UTC), datetime(2026, 10, 2, 6, tzinfo=UTC))
    assert said["cost"] == (None, None)


def test_the_last_half_millisecond_of_a_bucket_is_before_its_end(company: Organization) -> None:
    """SQLite rounds to milliseconds, PostgreSQL does not."""
    end = NOW.replace(hour=13, minute=0)
    bucket(company, "usage", end - HOUR, HOUR, end - timedelta(microseconds=400))
    assert told(company)["usage"] == (end - timedelta(seconds=1), None)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_a_look_at_every_bucket_says(company: Organization, seed: int) -> None:
    random = Random(seed)
    expected: dict[str, tuple[datetime | None, datetime | None]] = {}
    for name, one in WINDOWED.items():
        covered, width = one.coverage[-1], one.cadence.width
        newest = clock.floor_day(NOW) - random.choice((0, 1, 2, 5, 20)) * DAY
        starts = [newest - place * width for place in range(random.randrange(0, 40)) if random.random() < 0.8]
        reads = {start: start + random.randrange(1, 200) * width / 100 for start in starts}
        for start, read_at in reads.items():
            bucket(company, covered, start, width, read_at)
        for place in range(random.randrange(3)):
            begin = newest - random.randrange(40) * width
            end, read_at = begin + random.randrange(1, 10) * width, newest + place * HOUR
            EqualRead.objects.create(organization=company, source=covered, start=begin, end=end, read_at=read_at)
            for start in starts:
                if begin <= start and start + width <= end:
                    reads[start] = max(reads[start], read_at)
        last = max(starts, default=None)
        expected[name] = (
            min(last + width, reads[last].replace(microsecond=0)) if last else None,
            max((start + width for start, read_at in reads.items() if read_at >= start + width), default=None),
        )
        # The two ways to ask agree.
        reached = through(Coverage.objects.filter(organization=company, source=covered))
        assert (reached and reached.replace(microsecond=0)) == expected[name][0]
    assert told(company) == expected
