"""What an open line says of requests, which the usage report does not count."""

from datetime import date

from django.core.cache import cache
from django.db import transaction
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ledger.analytics import AnalyticsDims, Numbered, Used, UsedDay, record_usage
from tests.two_minutes import limit
from tests.web.limits.conftest import line, words

HAIKU = AnalyticsDims("key-1", "api_actor", "key-1", "wrkspc_1", "claude-haiku-4-5", "standard")


def test_a_day_without_requests_is_told_apart_from_one_of_which_nothing_is_known(
    page: Client, small: Organization
) -> None:
    limit(small, "requests_per_minute", 4000)
    said = words(page.get(f"/limits/?{line()}"))
    assert "Requests a minute 4,000 not measurable: the usage report counts no requests" in said
    # On 19 November another model was used, and nothing of the group.
    numbered, used = Numbered.of(small.pk), {HAIKU: Used((5, 0, 0, 0, 5, 0), 7)}
    numbered.usage.of(used)
    with transaction.atomic():
        record_usage(numbered=numbered, days=[UsedDay(date(2026, 11, 19), used)], run=1, seen_at=clock.now())
    cache.clear()
    assert "Requests a minute 4,000 none on 19 Nov" in words(page.get(f"/limits/?{line()}"))
