"""What was observed of limits: live remaining, the least of a day, refusals by the hour, against rows by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from costwatch.directory.models import Organization
from costwatch.insights.limits.observed import Hour, Least, observations
from costwatch.ledger.observations import Response, record_responses
from costwatch.upstream.limit_headers import Pool, Said, read

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
OPUS, SONNET = "claude-opus-5-5", "claude-sonnet-5"


def ago(**span: int) -> datetime:
    return NOW - timedelta(**span)


@pytest.fixture
def told(organization: Organization) -> Any:
    """Records one response."""

    def once(
        at: datetime, remaining: int | None = None, *, status: int = 200, limit: int = 1000, **more: Any
    ) -> Organization:
        pools = {} if remaining is None else {"input-tokens": Pool(limit, remaining, more.pop("reset_at", None))}
        response = Response(organization.pk, at, status, Said(pools), **{"model": OPUS, **more})
        record_responses(responses=[response], now=NOW)
        return organization

    return once


def test_nothing_told_is_nothing_seen(organization: Organization, now: datetime) -> None:
    found = observations(organization)
    assert found.is_empty
    seen = found.of([OPUS])
    assert (seen.live, seen.least, seen.responses, seen.refused, seen.newest) == ({}, {}, 0, 0, None)
    assert len(seen.hours) == 24
    assert seen.hours[0] == Hour(datetime(2026, 11, 19, 15, tzinfo=UTC), 0, 0)
    assert seen.hours[-1] == Hour(datetime(2026, 11, 20, 14, tzinfo=UTC), 0, 0)


def test_what_is_left_is_what_the_newest_response_told(told: Any) -> None:
    told(ago(minutes=3), 600)
    told(ago(minutes=1), 400, workspace_key="wrkspc_1", reset_at=NOW + timedelta(seconds=20))
    organization = told(ago(minutes=2), 900)
    live = observations(organization).of([OPUS]).live["input-tokens"]
    assert (live.remaining, live.limit, live.observed_at) == (400, 1000, ago(minutes=1))
    assert (live.workspace_key, live.model) == ("wrkspc_1", OPUS)
    assert (live.is_full(NOW), live.left(NOW)) == (False, 400)
    assert (live.is_full(NOW + timedelta(seconds=20)), live.left(NOW + timedelta(seconds=20))) == (True, 1000)


def test_a_response_is_live_for_five_minutes(told: Any) -> None:
    organization = told(ago(minutes=5), 600)
    assert observations(organization, NOW).of().live["input-tokens"].remaining == 600
    assert observations(organization, NOW + timedelta(seconds=1)).of().live == {}
    later = observations(organization, NOW + timedelta(minutes=10), timedelta(minutes=15))
    assert later.of().live["input-tokens"].remaining == 600


def test_the_least_of_24_hours(told: Any) -> None:
    told(ago(hours=24), 70)
    told(ago(hours=24, minutes=1), 10)
    told(ago(hours=3), 300, limit=2000, workspace_key="wrkspc_1")
    organization = told(ago(hours=3), 5, model=SONNET)
    found = observations(organization)
    assert found.of([OPUS]).least == {"input-tokens": Least(70, 2000)}
    assert found.of([OPUS], "wrkspc_1").least == {"input-tokens": Least(300, 2000)}
    assert found.of().least == {"input-tokens": Least(5, 2000)}


def test_refusals_are_counted_by_the_hour_and_for_seven_days(told: Any) -> None:
    told(datetime(2026, 11, 20, 14, 0, tzinfo=UTC), status=429)
    told(datetime(2026, 11, 20, 13, 59, 59, tzinfo=UTC), 1, status=429)
    told(datetime(2026, 11, 20, 13, 0, tzinfo=UTC), 1, model=SONNET)
    told(datetime(2026, 11, 19, 15, 0, tzinfo=UTC), status=529)
    told(datetime(2026, 11, 19, 14, 59, tzinfo=UTC), status=429, workspace_key="wrkspc_1")
    told(datetime(2026, 11, 13, 15, 0, tzinfo=UTC), status=429)
    organization = told(datetime(2026, 11, 13, 14, 59, tzinfo=UTC), status=429)
    found = observations(organization)
    seen = found.of()
    assert (seen.responses, seen.refused) == (6, 4)
    assert seen.newest == datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    assert [(one.start.hour, one.responses, one.refused) for one in seen.hours if one.responses] == [
        (15, 1, 0),
        (13, 2, 1),
        (14, 1, 1),
    ]
    assert (found.of([SONNET]).responses, found.of([SONNET]).refused) == (1, 0)
    assert found.of(None, "wrkspc_1").refused == 1
    assert found.of([], None).responses == 0


def test_another_organization_is_not_looked_at(told: Any) -> None:
    told(ago(minutes=1), 600)
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=NOW)
    assert observations(other, NOW).is_empty


def test_three_queries_whatever_was_told_and_asked(told: Any, django_assert_num_queries: Any) -> None:
    for number in range(30):
        organization = told(ago(minutes=number), number, model=f"m{number % 5}", workspace_key=f"w{number % 3}")
    with django_assert_num_queries(3):
        found = observations(organization)
        for number in range(5):
            found.of([f"m{number}"], "w1")


def test_headers_are_read_by_their_pattern() -> None:
    said = read(
        {
            "Anthropic-RateLimit-Input-Tokens-Limit": " 50 ",
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-20T15:05:00+01:00",
            "anthropic-priority-output-tokens-limit": "x",
            "retry-after": "3",
            "anthropic-organization-id": "org-1",
        },
        NOW,
    )
    assert said == Said({"input-tokens": Pool(50, 0, NOW)}, 3, "org-1", ("anthropic-priority-output-tokens-limit",))
