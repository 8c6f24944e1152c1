"""The tables of the analytics: days replaced as sets, late changes kept, sums that other sources do not enter."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger.analytics import (
    AnalyticsCostDims,
    AnalyticsDims,
    Cost,
    CostDay,
    DayCost,
    DayRequests,
    Numbered,
    Used,
    UsedDay,
    cost_by_day,
    record_cost,
    record_usage,
    requests_by_day,
)
from costwatch.ledger.models import AnalyticsCost, AnalyticsCostRevision, AnalyticsUsage, AnalyticsUsageRevision

DAY, NEXT = date(2026, 11, 12), date(2026, 11, 13)
PLAIN = AnalyticsDims("key-1", "api_actor", "key-1", "default", "claude-opus-5-5", "standard", "standard")
FAST = PLAIN._replace(speed="fast")
PAID = AnalyticsCostDims(*PLAIN, cost_type="tokens", token_type="output_tokens")
Keep = Callable[..., int]


@pytest.fixture
def keep(organization: Organization) -> Keep:
    """Record one day of usage and of cost, as ingestion does. Shape: the rows that changed."""

    def once(
        used: Mapping[AnalyticsDims, Used],
        paid: Mapping[AnalyticsCostDims, Cost],
        *,
        day: date = DAY,
        revises: bool = False,
        whose: Organization = organization,
    ) -> int:
        numbered, seen_at = Numbered.of(whose.pk), clock.now()
        numbered.usage.of(used)
        numbered.cost.of(paid)
        with transaction.atomic():
            one = record_usage(numbered=numbered, days=[UsedDay(day, used, revises)], run=1, seen_at=seen_at)
            two = record_cost(numbered=numbered, days=[CostDay(day, paid, revises)], run=1, seen_at=seen_at)
        return one.rows + two.rows

    return once


def test_a_day_is_replaced_as_a_set_and_recording_it_again_writes_nothing(keep: Keep) -> None:
    used = {PLAIN: Used((1, 2, 3, 4, 5, 6), 7), FAST: Used((0, 0, 0, 0, 5, 0), None)}
    paid = {PAID: Cost(5 * 10**12, 6 * 10**12, "500", "600")}
    assert keep(used, paid) == 3
    assert keep(used, paid) == 0
    assert keep({FAST: used[FAST]}, {}) == 2
    assert AnalyticsUsage.objects.values_list("series__speed", "output_tokens", "requests").get() == ("fast", 5, None)
    assert AnalyticsCost.objects.count() == 0


def test_late_changes_are_kept_with_their_sign(keep: Keep) -> None:
    keep({PLAIN: Used((1, 2, 3, 4, 5, 6), 7), FAST: Used((0, 0, 0, 0, 5, 0), 2)}, {PAID: Cost(50, 60, "", "")})
    keep({PLAIN: Used((1, 2, 3, 4, 9, 6), None)}, {PAID: Cost(40, 65, "", "")}, revises=True)
    keep({PLAIN: Used((1, 2, 3, 4, 9, 6), 8)}, {}, revises=True)
    revised = AnalyticsUsageRevision.objects.order_by("pk").values_list("series__speed", "output_tokens", "requests")
    assert sorted(revised[:2]) == [("fast", -5, -2), ("standard", 4, -7)]
    assert list(revised)[2:] == [("standard", 0, 8)]
    assert list(AnalyticsCostRevision.objects.order_by("pk").values_list("amount", "list_amount")) == [
        (-10, 5),
        (-40, -65),
    ]


def test_a_text_that_alone_changed_is_written_and_revises_nothing_by_amount(keep: Keep) -> None:
    keep({}, {PAID: Cost(50, 60, "0.5", "0.6")})
    keep({}, {PAID: Cost(50, 60, "0.50", "0.6")}, revises=True)
    assert AnalyticsCost.objects.get().amount_cents == "0.50"
    assert AnalyticsCostRevision.objects.values_list("amount", "list_amount").get() == (0, 0)


def test_cost_is_summed_by_day_and_workspace_and_never_over_currencies(keep: Keep, organization: Organization) -> None:
    largest = 9 * 10**18
    paid = {
        PAID: Cost(largest, largest, "", ""),
        PAID._replace(model="other"): Cost(largest, largest - 1, "", ""),
        PAID._replace(workspace_id="w"): Cost(3, 4, "", ""),
        PAID._replace(workspace_id="w", currency="EUR"): Cost(5, 6, "", ""),
    }
    keep({}, paid)
    keep({}, {PAID: Cost(1, 2, "", "")}, day=NEXT)
    assert cost_by_day(organization_id=organization.pk, since=DAY, until=NEXT) == (
        DayCost(DAY, "default", "USD", 18 * 10**18, 18 * 10**18 - 1),
        DayCost(DAY, "w", "EUR", 5, 6),
        DayCost(DAY, "w", "USD", 3, 4),
    )


def test_requests_are_summed_by_day_workspace_and_model(keep: Keep, organization: Organization) -> None:
    used = {
        PLAIN: Used((1, 0, 0, 0, 0, 0), 7),
        FAST: Used((1, 0, 0, 0, 0, 0), 5),
        PLAIN._replace(model="m"): Used((1, 0, 0, 0, 0, 0), None),
    }
    keep(used, {})
    assert requests_by_day(organization_id=organization.pk, since=DAY, until=NEXT) == (
        DayRequests(DAY, "default", "claude-opus-5-5", 12),
        DayRequests(DAY, "default", "m", None),
    )


def test_another_organization_is_another(keep: Keep, organization: Organization) -> None:
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=clock.now())
    keep({PLAIN: Used((1, 0, 0, 0, 0, 0), 7)}, {PAID: Cost(1, 2, "", "")})
    keep({PLAIN: Used((1, 0, 0, 0, 0, 0), 9)}, {PAID: Cost(3, 4, "", "")}, whose=other)
    keep({}, {}, whose=other)
    (mine,) = cost_by_day(organization_id=organization.pk, since=DAY, until=NEXT)
    assert (mine.amount, mine.list_amount) == (1, 2)
    assert cost_by_day(organization_id=other.pk, since=DAY, until=NEXT) == ()


def test_a_second_source_is_in_no_figure_of_the_first(keep: Keep) -> None:
    keep({PLAIN: Used((1000, 0, 0, 0, 0, 0), 7)}, {PAID: Cost(10**12, 2 * 10**12, "100", "200")})
    totals: dict[str, Any] = report("spend", question(since=DAY, until=NEXT, interval="total"))["totals"]
    assert (totals["reported_usd"], totals["list_usd"]) in ((None, None), (None, "0"), ("0", "0"))
