"""Answers are kept while nothing they were made from changed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.lease import lease
from costwatch.ingest.models import Run
from costwatch.insights.cache import Kept, data_version
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.models import PriceChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Organization:
    """An organization in a running clock that a test can set."""
    monkeypatch.setattr(clock, "is_frozen", lambda: False)
    at(monkeypatch, 5)
    return Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())


def at(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 20, 14, minute, 30, tzinfo=UTC))


def run(organization: Organization) -> Run:
    return Run.objects.create(organization=organization, source="usage", started_at=clock.now(), outcome="succeeded")


def counted(kept: Kept) -> list[int]:
    """Ask the same question twice; what it answers is how often it was worked out."""
    return [kept.get("question", lambda: kept.__dict__.setdefault("n", []).append(1) or len(kept.n)) for _ in range(2)]  # type: ignore[attr-defined]


def test_the_second_time_the_answer_is_the_kept_one(live: Organization) -> None:
    run(live)
    assert counted(Kept()) == [1, 1]


def test_a_run_makes_every_answer_anew(live: Organization) -> None:
    kept = Kept()
    assert counted(kept) == [1, 1]
    run(live)
    assert counted(kept) == [2, 2]


def test_nothing_is_kept_while_a_run_is_at_work_or_prices_are_applied(live: Organization) -> None:
    kept = Kept()
    with lease(live.pk, "usage"):
        assert counted(kept) == [1, 2]
    ledger_prices.publish()
    assert data_version() is None
    PriceChange.objects.update(applied_at=clock.now())
    assert counted(kept) == [3, 3]


def test_an_answer_lasts_a_minute_at_most(live: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    assert counted(kept) == [1, 1]
    at(monkeypatch, 6)
    assert counted(kept) == [2, 2]


def test_what_changed_while_an_answer_was_made_is_not_kept(live: Organization) -> None:
    kept = Kept()
    kept.get("question", lambda: run(live))
    assert kept.get("question", lambda: "anew") == "anew"


def test_an_answer_made_of_others_keeps_them_and_looks_at_the_version_twice(
    live: Organization, django_assert_num_queries: Any
) -> None:
    kept = Kept()
    with django_assert_num_queries(2):
        assert kept.get("page", lambda: kept.get("list", lambda: "list") + " and a line") == "list and a line"
    with django_assert_num_queries(1):
        assert kept.get("list", lambda: "anew") == "list"


def test_what_changed_while_an_answer_was_made_keeps_nothing_it_was_made_of(live: Organization) -> None:
    kept = Kept()
    kept.get("page", lambda: (kept.get("list", lambda: "list"), run(live)))
    assert kept.get("list", lambda: "anew") == "anew"


def test_an_answer_that_fails_leaves_nothing_under_way(live: Organization) -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("page", lambda: 1 // 0)
    assert counted(kept) == [1, 1]
    run(live)
    assert counted(kept) == [2, 2]


def test_the_least_recently_asked_goes_first(live: Organization) -> None:
    kept = Kept(most=2)
    for question in ("a", "b", "a", "c"):
        kept.get(question, lambda question=question: question)
    assert [kept.get(question, lambda: "anew") for question in ("a", "c", "b")] == ["a", "c", "anew"]


def test_where_time_stands_still_nothing_is_kept(live: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "is_frozen", lambda: True)
    assert counted(Kept()) == [1, 2]
