"""Requests of a day from the analytics: how many, that there were none, and that they cannot be known."""

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.limits.lines import LineKey
from costwatch.insights.limits.requests import Requests, requests_of
from costwatch.ledger.analytics import AnalyticsDims, Numbered, Used, UsedDay, record_usage
from costwatch.ledger.limit_days import make_day
from tests.two_minutes import FIRST, GROUP, OPUS, counts, dims, make_two_minutes, record

YESTERDAY = date(2026, 11, 19)
POOL, OTHER = LineKey(GROUP, "", ""), LineKey("model:claude-haiku-4-5", "", "")
SEARCH, BATCH_JOBS = LineKey(GROUP, "", "wrkspc_1"), LineKey(GROUP, "", "wrkspc_2")


@pytest.fixture
def small(organization: Organization) -> Organization:
    return make_two_minutes(organization)


def analytics(organization: Organization, requests: dict[str, int | None], day: date = YESTERDAY) -> None:
    """A day of Opus as the analytics tell it, by workspace."""
    used = {
        AnalyticsDims("key-1", "api_actor", "key-1", workspace, OPUS, "standard"): Used((5, 0, 0, 0, 5, 0), count)
        for workspace, count in requests.items()
    }
    numbered = Numbered.of(organization.pk)
    numbered.usage.of(used)
    with transaction.atomic():
        record_usage(numbered=numbered, days=[UsedDay(day, used)], run=1, seen_at=clock.now())


def use_yesterday(organization: Organization) -> None:
    """Two minutes of Opus in search-prod."""
    at: datetime = FIRST - timedelta(days=1)
    minutes = (at, at + timedelta(minutes=1))
    record(organization, {one: {dims("wrkspc_1", "key-1"): counts(7)} for one in minutes})
    make_day(organization, YESTERDAY)


def test_requests_are_those_of_the_newest_whole_day(small: Organization) -> None:
    use_yesterday(small)
    analytics(small, {"wrkspc_1": 60, "wrkspc_2": 8})
    analytics(small, {"wrkspc_1": 1000}, YESTERDAY - timedelta(days=1))
    assert requests_of(small, POOL) == Requests(YESTERDAY, 68, 2)
    assert requests_of(small, SEARCH) == Requests(YESTERDAY, 60, 2)


def test_none_on_a_day_is_told_apart_from_what_cannot_be_measured(small: Organization) -> None:
    assert requests_of(small, BATCH_JOBS) is None
    use_yesterday(small)
    analytics(small, {"wrkspc_1": 60})
    assert requests_of(small, BATCH_JOBS) == Requests(YESTERDAY, 0, 0)
    assert requests_of(small, OTHER) == Requests(YESTERDAY, 0, 0)


def test_what_the_analytics_do_not_count_or_do_not_tell_of_is_not_none(small: Organization) -> None:
    analytics(small, {"wrkspc_1": None, "wrkspc_2": 8})
    assert requests_of(small, SEARCH) is None
    # The usage report has minutes of that day, the analytics have no line of them.
    use_yesterday(small)
    analytics(small, {"wrkspc_2": 8})
    assert requests_of(small, SEARCH) is None
