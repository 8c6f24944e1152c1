"""The books of reading: when each bucket was last read, in one row for a whole span that was as before."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from costwatch.directory.models import Organization
from costwatch.ingest import coverage, split
from costwatch.ingest.coverage import Owner, Read, keep, known
from costwatch.ingest.models import Coverage, EqualRead
from costwatch.ingest.order import Order
from costwatch.ingest.reached import last_reads
from costwatch.ledger.models import Fact, GroupDay, SeriesDay

from .conftest import Sync

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 11, 12, tzinfo=UTC)


@pytest.fixture
def owner(organization: Organization) -> Owner:
    """The hours of Example Inc."""
    return Owner(organization.pk, "usage")


def read(owner: Owner, hours: list[int], now: datetime, digest: bytes = b"a" * 16) -> None:
    starts = [BEGIN + hour * HOUR for hour in hours]
    reads = [Read(start, start + HOUR, digest) for start in starts]
    with transaction.atomic():
        keep(owner=owner, reads=reads, before=known(*owner, set(starts)), changed=(), run=1, now=now)


def last(owner: Owner, hours: int) -> list[int]:
    """The day of November on which each of the first hours was last read."""
    rows = Coverage.objects.filter(source="usage").order_by("start")[:hours]
    found = last_reads(*owner, [(row.start, row.end, row.last_read_at) for row in rows])
    return [found[row.start].day for row in rows]


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


def test_ing_07_what_is_read_again_and_equal_counts_as_read_without_a_write_to_its_row(owner: Owner) -> None:
    read(owner, [0, 1, 2, 3], day(13))
    # The second read settles them; from the third on nothing about a row changes.
    read(owner, [0, 1, 2, 3], day(14))
    rows = list(Coverage.objects.order_by("start").values())
    read(owner, [0, 1, 2, 3], day(15))
    assert list(Coverage.objects.order_by("start").values()) == rows
    assert last(owner, 4) == [15, 15, 15, 15]


def test_a_shorter_read_counts_for_its_own_hours_only(owner: Owner) -> None:
    for at in (13, 14, 15):
        read(owner, [0, 1, 2, 3], day(at))
    read(owner, [2, 3], day(16))
    assert last(owner, 4) == [15, 15, 16, 16]
    read(owner, [0, 3], day(17))
    assert last(owner, 4) == [17, 15, 16, 17]


def test_a_span_inside_a_newer_one_is_dropped(owner: Owner) -> None:
    for at in (13, 14, 15):
        read(owner, [0, 1, 2, 3], day(at))
    read(owner, [1], day(16))
    read(owner, [2, 3], day(17))
    assert EqualRead.objects.count() == 3
    read(owner, [0, 1, 2, 3], day(18))
    assert list(EqualRead.objects.values_list("start", "end", "read_at")) == [(BEGIN, BEGIN + 4 * HOUR, day(18))]


def test_a_bucket_that_changed_was_read_too_and_carries_its_own_time(owner: Owner) -> None:
    for at in (13, 14):
        read(owner, [0, 1], day(at))
    starts = [BEGIN, BEGIN + HOUR]
    reads = [Read(BEGIN, BEGIN + HOUR, b"b" * 16), Read(BEGIN + HOUR, BEGIN + 2 * HOUR, b"a" * 16)]
    with transaction.atomic():
        keep(owner=owner, reads=reads, before=known(*owner, set(starts)), changed={BEGIN}, run=2, now=day(15))
    assert last(owner, 2) == [15, 15]
    assert list(Coverage.objects.order_by("start").values_list("state", flat=True)) == ["revised", "settled"]


def test_one_organization_reads_nothing_for_another(owner: Owner) -> None:
    other = Owner(Organization.objects.create(external_id="org-2", name="Two", created_at=day(1)).pk, "usage")
    for at in (13, 14):
        read(owner, [0], day(at))
    for at in (13, 14, 19):
        read(other, [0], day(at))
    found = last_reads(*owner, [(BEGIN, BEGIN + HOUR, day(14))])
    assert found == {BEGIN: day(14)}
    assert coverage.standings(*owner, BEGIN, BEGIN + HOUR)[BEGIN].last_read_at == day(14)


def test_ing_01_a_poll_that_finds_everything_equal_writes_to_no_table_of_the_ledger(run: Sync) -> None:
    order = Order(since=date(2026, 11, 18), until=date(2026, 11, 21))
    run("directory", "cost", "usage")
    run("usage", order=order)
    with CaptureQueriesContext(connection) as asked:
        again = run("usage", order=order)["usage"]
    assert again is not None
    assert (again.outcome, again.rows_changed) == ("succeeded", 0)
    assert again.rows_read > 1000
    written = [one["sql"] for one in asked if one["sql"].lstrip().startswith(("INSERT", "UPDATE", "DELETE", "COPY"))]
    assert written
    assert [sql for sql in written if "ledger_" in sql] == []
    assert Fact.objects.exists()
    assert SeriesDay.objects.exists()
    assert GroupDay.objects.exists()


def test_hours_that_do_not_add_up_are_inconsistent_once_they_are_over(
    run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chains read one after the other differ while the hour lasts; that is no news, and it is read again."""

    def never(*given: object, **named: object) -> None:
        raise split.Negative

    order = Order(since=date(2026, 11, 20), until=date(2026, 11, 21))
    with monkeypatch.context() as broken:
        broken.setattr(split, "facts", never)
        run("directory", "usage", order=order)
    states = dict(Coverage.objects.filter(source="usage").values_list("start__hour", "state"))
    assert states == {**dict.fromkeys(range(14), "inconsistent"), 14: "open"}
    assert not Fact.objects.exists()
    run("usage", order=order)
    assert Fact.objects.filter(bucket_start__hour=14).exists()
