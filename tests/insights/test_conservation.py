"""MON-15: facts, rollups, groupings, exports and minutes come to the same, and one row that is off is found."""

import logging
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db.models import F
from pytest_django import DjangoDbBlocker

from costwatch.directory.models import Organization
from costwatch.ingest.lease import lease
from costwatch.ingest.models import Check
from costwatch.insights import conservation
from costwatch.insights.tasks import prove
from costwatch.ledger.models import Fact, GroupDay, MinuteFact, ReportedMonth, SeriesDay, SeriesMonth
from tests.kept import kept, vendor

NAMES = ["facts", "groups", "months", "groupings", "exports", "minutes"]


@pytest.fixture(scope="module")
def four_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Four days of everything that is proved."""
    with kept(django_db_blocker):
        with vendor("2026-11-17", "directory", "cost", "usage", "minutes") as (_, read):
            read()
        yield


@pytest.fixture
def read(four_days: None, db: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """The organization they are of; a proof that fails is not repeated after a while."""
    monkeypatch.setattr(conservation, "PAUSES", (0.0,))
    return Organization.objects.get()


def test_mon_15_what_was_recorded_is_what_is_shown(read: Organization, now: datetime) -> None:
    outcomes = {one.name: one for one in conservation.prove(read, now)}
    assert list(outcomes) == NAMES
    assert [one.differences for one in outcomes.values()] == [()] * 6
    assert all(one.compared > 20 for one in outcomes.values())
    assert set(Check.objects.values_list("ok", flat=True)) == {True}


SPOILED = {
    "facts": (Fact, {"output_tokens": F("output_tokens") + 1}),
    "groups": (GroupDay, {"list_low": F("list_low") + 1}),
    "months": (SeriesMonth, {"cache_read_input_tokens": F("cache_read_input_tokens") + 1}),
    "minutes": (MinuteFact, {"uncached_input_tokens": F("uncached_input_tokens") + 1}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_mon_15_one_row_that_is_off_by_one_raises_an_alarm(
    read: Organization, now: datetime, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    model, change = SPOILED[name]
    if name == "minutes":
        change_of = model.objects.filter(minute__date="2026-11-19")
    else:
        change_of = model.objects.all()
    one = change_of.order_by("pk")[0]
    assert model.objects.filter(pk=one.pk).update(**change) == 1
    with caplog.at_level(logging.ERROR):
        outcomes = {found.name: found for found in conservation.prove(read, now)}
    assert not outcomes[name].ok
    assert len(outcomes[name].differences) == 1
    row = Check.objects.get(name=name)
    assert (row.ok, bool(row.detail)) == (False, True)
    assert f"{name} do not add up" in caplog.text


def test_mon_15_a_lost_rollup_row_and_a_lost_line_of_a_month_are_found(read: Organization, now: datetime) -> None:
    SeriesDay.objects.order_by("pk")[0].delete()
    ReportedMonth.objects.order_by("pk")[0].delete()
    found = {one.name: one.ok for one in conservation.prove(read, now)}
    assert found == {
        "facts": False,
        "groups": False,
        "months": False,
        "groupings": True,
        "exports": True,
        "minutes": True,
    }


def test_a_proof_that_fails_while_somebody_writes_says_nothing(read: Organization, now: datetime) -> None:
    SeriesDay.objects.order_by("pk")[0].delete()
    with lease(read.pk, "usage"):
        assert [one.name for one in conservation.prove(read, now)] == ["groupings", "exports", "minutes"]


def test_the_nightly_task_proves_once_a_day(read: Organization, now: datetime) -> None:
    prove()
    assert Check.objects.count() == 6
    Check.objects.update(compared=0)
    prove(a_later_argument="is ignored")
    assert set(Check.objects.values_list("compared", flat=True)) == {0}
