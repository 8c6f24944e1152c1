"""Reading the analytics: flat rows become UTC days, whatever their order and pages; a dead cursor begins again."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.upstream.analytics import COST, FAST_COST, FAST_USAGE, USAGE, earliest, read
from costwatch.upstream.analytics_rows import CostLine, Place, UsageLine, parse_cost, parse_usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Malformed, Refused
from costwatch.upstream.pages import Bucket, Window, bucket_of
from costwatch.upstream.sandbox.server import SandboxServer

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Window(MONDAY, MONDAY + 7 * DAY)
Make = Callable[..., AdminClient]
COST_ROW: dict[str, Any] = {
    "starting_at": "2026-11-09T00:00:00Z",
    "ending_at": "2026-11-10T00:00:00Z",
    "group": {
        "api_key_id": "apikey_1",
        "actor": {"type": "service_account_actor", "service_account_id": "svac_1"},
        "workspace_id": "wrkspc_1",
        "model": "claude-opus-5-5",
        "service_tier": "standard",
        "cost_type": "tokens",
        "token_type": "cache_creation.ephemeral_1h_input_tokens",
    },
    "cost": {"amount": "0.000300000", "currency": "USD", "list_amount": "41280.000000", "requests": None},
}
USAGE_ROW: dict[str, Any] = {
    **{name: COST_ROW[name] for name in ("starting_at", "ending_at")},
    "group": {"api_key_id": None, "actor": None, "model": "m"},
    "usage": {
        "cache_creation": {"ephemeral_1h_input_tokens": 3, "ephemeral_5m_input_tokens": 2},
        "cache_read_input_tokens": 4,
        "output_tokens": 5,
        "requests": 7,
        "server_tool_use": {"web_search_requests": 6},
        "total_tokens": 15,
        "uncached_input_tokens": 1,
    },
}


def bucket(*rows: object) -> Bucket:
    return bucket_of(MONDAY, MONDAY + DAY, [msgspec.Raw(json.dumps(row).encode()) for row in rows])


@pytest.mark.parametrize("chain", [USAGE, FAST_USAGE, COST, FAST_COST])
def test_every_day_of_a_window_has_a_bucket_that_pages_do_not_change(make: Make, chain: Any) -> None:
    whole, small = (read(make(), WEEK, chain, limit=limit) for limit in (1000, 5))
    assert [one.start for one in whole.buckets] == [MONDAY + DAY * place for place in range(7)]
    assert [one.digest for one in whole.buckets] == [one.digest for one in small.buckets]
    assert [len(one.rows) for one in whole.buckets] == [len(one.rows) for one in small.buckets]
    assert whole.largest_page > small.largest_page


def test_days_without_rows_are_buckets_too(make: Make) -> None:
    later = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    assert [bool(one.rows) for one in read(make(), later, USAGE).buckets] == [True, False, False]


def test_a_digest_depends_on_the_rows_and_not_on_their_order() -> None:
    other = {**COST_ROW, "group": {"model": "n"}}
    assert bucket(COST_ROW, other).digest == bucket(other, COST_ROW).digest
    assert bucket(COST_ROW).digest != bucket(other).digest


def test_what_is_asked_is_one_fixed_question(make: Make, sandbox: SandboxServer) -> None:
    read(make(), WEEK, FAST_COST)
    asked = sandbox.requests[-1]
    assert asked.path == "/v1/organizations/analytics/cost"
    assert asked.query == (
        "starting_at=2026-11-09T00%3A00%3A00Z&ending_at=2026-11-16T00%3A00%3A00Z&time_bucket_width=1d&order_by=time"
        "&order=asc&limit=1000&group_by%5B%5D=api_key_id&group_by%5B%5D=actor&group_by%5B%5D=workspace_id"
        "&group_by%5B%5D=model&group_by%5B%5D=service_tier&group_by%5B%5D=cost_type&group_by%5B%5D=token_type"
        "&speeds%5B%5D=fast"
    )


def test_a_dead_cursor_begins_again_at_page_1_three_times_at_most(make: Make, sandbox: SandboxServer) -> None:
    sandbox.faults.add("gone", path="analytics", after=1, times=3)
    expected = [one.digest for one in read(make(), WEEK, USAGE, limit=200).buckets]
    assert len(sandbox.faults.log) == 3
    assert [one.digest for one in read(make(), WEEK, USAGE).buckets] == expected
    sandbox.faults.add("gone", path="analytics", times=None)
    with pytest.raises(Refused) as refused:
        read(make(), WEEK, USAGE)
    assert refused.value.status == 410
    assert len(sandbox.faults.log) == 7


def test_an_organization_without_analytics_is_refused_at_once(make: Make, sandbox: SandboxServer) -> None:
    sandbox.sandbox.offer.change(analytics="missing")
    with pytest.raises(Refused, match="not available for this organization"):
        read(make(), WEEK, USAGE)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("kind", ["lost_token", "repeated_token", "duplicate_page"])
def test_ing_09_pages_cannot_loop_or_end_silently(make: Make, sandbox: SandboxServer, kind: str) -> None:
    sandbox.faults.add(kind, path="analytics", times=None)
    with pytest.raises(Malformed):
        read(make(), WEEK, USAGE, limit=200)
    assert len(sandbox.requests) <= 3


def test_the_first_day_is_within_365_days_and_in_2026() -> None:
    assert earliest(datetime(2026, 11, 20, 14, 5, tzinfo=UTC)) == datetime(2026, 1, 1, tzinfo=UTC)
    assert earliest(datetime(2027, 11, 20, 14, 5, tzinfo=UTC)) == datetime(2026, 11, 21, tzinfo=UTC)


def test_the_first_day_can_be_asked_for(make: Make, now: datetime) -> None:
    start = earliest(now)
    assert len(read(make(), Window(start, start + 31 * DAY), USAGE).buckets) == 31


def test_a_row_of_cost_is_read_as_it_was_written() -> None:
    (line,) = parse_cost(bucket(COST_ROW)).lines
    place = Place("apikey_1", "service_account_actor", "svac_1", "wrkspc_1", "claude-opus-5-5", "standard")
    assert line == CostLine(place, "tokens", "ephemeral_1h_input_tokens", "USD", "0.000300000", "41280.000000")


def test_a_row_of_usage_is_read_in_the_order_of_the_meters() -> None:
    (line,) = parse_usage(bucket(USAGE_ROW)).lines
    assert line == UsageLine(Place(None, "", "", None, "m", None), (1, 2, 3, 4, 5, 6), 7)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (None, ("", "")),
        ({"type": "user_actor", "user_id": "user_1", "name": None}, ("user_actor", "user_1")),
        ({"type": "api_actor", "api_key_id": "apikey_1"}, ("api_actor", "apikey_1")),
        (
            {"type": "federated_actor", "subject": "s", "provider": {"name": "ci", "id": 1}},
            ("federated_actor", '{"provider":{"id":1,"name":"ci"},"subject":"s"}'),
        ),
        ({"type": "user_actor", "user_id": None}, ("user_actor", '{"user_id":null}')),
        ({}, ("", "{}")),
    ],
)
def test_an_actor_is_known_by_its_kind_and_id(actor: object, expected: tuple[str, str]) -> None:
    (line,) = parse_usage(bucket({**USAGE_ROW, "group": {"actor": actor}})).lines
    assert (line.place.actor_type, line.place.actor_id) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(where=st.lists(st.sampled_from(["group", "cost", "usage", "actor"]), max_size=2), name=st.text(), value=JSON)
def test_ing_11_whatever_a_row_holds_it_is_kept_or_set_aside_with_a_reason(
    where: list[str], name: str, value: object
) -> None:
    for row, parse in ((COST_ROW, parse_cost), (USAGE_ROW, parse_usage)):
        changed = json.loads(json.dumps(row))
        place = changed
        for step in where:
            place = place[step] if isinstance(place.get(step), dict) else place
        for key in (name, *list(place)[:1]):
            place[key] = value
        parsed: Any = parse(bucket(changed, row))  # type: ignore[operator]
        assert len(parsed.lines) + len(parsed.rejected) == 2
        assert all(one.reason and one.raw for one in parsed.rejected)
        assert isinstance(parsed.novelties, Counter)
