"""The store on whichever database the suite runs: what is wanted is there afterwards, and nothing else was touched."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.directory.models import Organization
from costwatch.ledger.dimensions import ReportedDims, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.models import Fact, ReportedLine, ReportedMonth
from costwatch.ledger.store import store
from costwatch.ledger.store.tables import FACT, REPORTED
from tests.conftest import Record

FIVE, SIX, SEVEN = (datetime(2026, 11, 12, hour, tzinfo=UTC) for hour in (5, 6, 7))
WRITES = ("INSERT", "UPDATE", "DELETE", "COPY")
Facts = dict[datetime, dict[int, tuple[int, ...]]]


def series(organization: Organization, count: int = 4) -> list[int]:
    """Numbers of some series."""
    dims = [
        UsageDims(f"key-{n}", "default", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
        for n in range(count)
    ]
    numbers = Interned(organization.pk).usage(dims)
    return [numbers[one] for one in dims]


def stored(organization: Organization) -> Facts:
    found: Facts = {}
    for fact in Fact.objects.filter(series__organization=organization):
        found.setdefault(fact.bucket_start, {})[fact.series_id] = tuple(getattr(fact, column) for column in FACT.values)
    return found


def replace(organization: Organization, wanted: Facts, run: int = 1) -> Any:
    with transaction.atomic():
        return store().replace(FACT, organization.pk, wanted, (run,))


def counts(n: int) -> tuple[int, ...]:
    return (n, 0, 0, 0, 2 * n, 0)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.dictionaries(
            st.sampled_from([FIVE, SIX, SEVEN]), st.dictionaries(st.integers(0, 3), st.integers(0, 3), max_size=4)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_ing_05_whatever_is_wanted_of_a_moment_is_there_and_other_moments_are_as_they_were(
    organization: Organization, steps: list[dict[datetime, dict[int, int]]]
) -> None:
    Fact.objects.all().delete()
    numbers = series(organization)
    model: Facts = {}
    for run, step in enumerate(steps):
        wanted = {at: {numbers[n]: counts(size) for n, size in rows.items()} for at, rows in step.items()}
        before = {at: dict(rows) for at, rows in model.items()}
        model |= wanted
        done = replace(organization, wanted, run)
        assert stored(organization) == {at: rows for at, rows in model.items() if rows}
        # The differences lead from what was to what is, and count what was done.
        told = [one for rows in done.differences.values() for one in rows]
        assert done.inserted == sum(old is None for _, old, _ in told)
        assert done.deleted == sum(new is None for _, _, new in told)
        assert done.changed == len(told) - done.inserted - done.deleted
        for at, rows in done.differences.items():
            for owner, old, new in rows:
                assert before.get(at, {}).get(owner) == old
                assert model[at].get(owner) == new


def test_ing_01_the_same_again_writes_nothing_and_keeps_who_wrote_it_first(organization: Organization) -> None:
    one, two, *_ = series(organization)
    wanted = {FIVE: {one: counts(1), two: counts(2)}}
    assert replace(organization, wanted, run=1).rows == 2
    with CaptureQueriesContext(connection) as asked:
        assert replace(organization, wanted, run=2).rows == 0
    assert [query["sql"] for query in asked if query["sql"].lstrip().startswith(WRITES)] == []
    assert set(Fact.objects.values_list("run", flat=True)) == {1}


def test_a_row_that_differs_is_written_by_this_run_and_its_neighbour_is_not(organization: Organization) -> None:
    one, two, *_ = series(organization)
    replace(organization, {FIVE: {one: counts(1), two: counts(2)}}, run=1)
    done = replace(organization, {FIVE: {one: counts(1), two: counts(3)}}, run=2)
    assert (done.inserted, done.changed, done.deleted) == (0, 1, 0)
    assert done.differences == {FIVE: [(two, counts(2), counts(3))]}
    assert dict(Fact.objects.values_list("series_id", "run")) == {one: 1, two: 2}


def test_ing_05_a_moment_without_rows_is_emptied(organization: Organization) -> None:
    one, two, *_ = series(organization)
    replace(organization, {FIVE: {one: counts(1), two: counts(2)}, SIX: {one: counts(5)}})
    done = replace(organization, {FIVE: {}})
    assert (done.inserted, done.changed, done.deleted) == (0, 0, 2)
    assert stored(organization) == {SIX: {one: counts(5)}}


def test_the_rows_of_another_organization_are_not_seen_and_not_touched(organization: Organization) -> None:
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=FIVE)
    (mine, *_), (theirs, *_) = series(organization), series(other)
    replace(organization, {FIVE: {mine: counts(1)}})
    replace(other, {FIVE: {theirs: counts(9)}})
    assert replace(organization, {FIVE: {}}).deleted == 1
    assert stored(other) == {FIVE: {theirs: counts(9)}}


def test_a_failed_transaction_leaves_what_was(organization: Organization) -> None:
    one, *_ = series(organization)
    replace(organization, {FIVE: {one: counts(1)}})

    def cut_short() -> None:
        with transaction.atomic():
            store().replace(FACT, organization.pk, {FIVE: {}, SIX: {one: counts(2)}}, (2,))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        cut_short()
    assert stored(organization) == {FIVE: {one: counts(1)}}


@pytest.mark.parametrize("amount", [0, 1, -1, 123_456_789_012, -(9 * 10**18), 9 * 10**18])
def test_mon_03_money_comes_back_to_the_last_pico_dollar(organization: Organization, amount: int) -> None:
    dims = ReportedDims("default", "USD", "tokens", model="claude-opus-5-5")
    number = Interned(organization.pk).reported([dims])[dims]
    day = date(2026, 11, 12)
    with transaction.atomic():
        store().replace(REPORTED, organization.pk, {day: {number: (amount, "1.5")}}, (1,))
    assert ReportedLine.objects.get().amount == amount
    assert store().existing(REPORTED, organization.pk, [day]) == {day: {number: (amount, "1.5")}}


def test_months_of_the_cost_report_follow_their_lines(organization: Organization, record_cost: Record) -> None:
    dims = ReportedDims("default", "USD", "tokens", model="claude-opus-5-5")
    for day, amount in ((1, 5), (30, 7), (12, -2)):
        record_cost(datetime(2026, 11, day, tzinfo=UTC), {dims: (amount, "")})
    record_cost(datetime(2026, 12, 1, tzinfo=UTC), {dims: (100, "")})
    assert dict(ReportedMonth.objects.values_list("month", "amount")) == {date(2026, 11, 1): 10, date(2026, 12, 1): 100}
    record_cost(datetime(2026, 11, 30, tzinfo=UTC), {dims: (1, "")}, revises=True)
    record_cost(datetime(2026, 12, 1, tzinfo=UTC), {}, revises=True)
    assert dict(ReportedMonth.objects.values_list("month", "amount")) == {date(2026, 11, 1): 4}
