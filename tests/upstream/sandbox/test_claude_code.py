"""The sandbox's Claude Code: a day a request, numbers in cents, and people who work in several places."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

PATH = "usage_report/claude_code"
DAY = [("starting_at", "2026-11-17"), ("limit", "1000")]


def records(reader: Any, *params: tuple[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reader.buckets(PATH, list(params))
    return found


def tokens(found: list[dict[str, Any]]) -> dict[str, int]:
    names = ("input", "output", "cache_read", "cache_creation")
    return {name: sum(one["tokens"][name] for row in found for one in row["model_breakdown"]) for name in names}


def test_what_the_api_paid_for_is_the_usage_of_its_workspace(reader: Any, shared: Any) -> None:
    day = datetime(2026, 11, 17, tzinfo=UTC)
    workspace = shared.sandbox.directory.workspace_ids["Claude Code"]
    truth = shared.truth.totals(day, day + timedelta(days=1), workspace_id=workspace)[()]
    paid = [row for row in records(reader, *DAY) if row["customer_type"] == "api"]
    assert tokens(paid) == {
        "input": truth.uncached_input_tokens,
        "output": truth.output_tokens,
        "cache_read": truth.cache_read_input_tokens,
        "cache_creation": truth.ephemeral_5m_input_tokens + truth.ephemeral_1h_input_tokens,
    }


def test_an_estimate_is_a_number_in_cents_that_sums_to_list(reader: Any, shared: Any) -> None:
    body = reader.get(PATH, DAY).content
    found = json.loads(body, parse_float=Decimal)["data"]
    paid = [one for row in found if row["customer_type"] == "api" for one in row["model_breakdown"]]
    assert all(isinstance(one["estimated_cost"]["amount"], int | Decimal) for one in paid)
    assert any(isinstance(one["estimated_cost"]["amount"], Decimal) for one in paid)
    day = datetime(2026, 11, 17, tzinfo=UTC)
    workspace = shared.sandbox.directory.workspace_ids["Claude Code"]
    truth = shared.truth.totals(day, day + timedelta(days=1), workspace_id=workspace)[()]
    assert sum(one["estimated_cost"]["amount"] for one in paid) * 10**10 == truth.list_low


def test_people_and_keys_work_in_several_places_and_on_several_accounts(reader: Any) -> None:
    found = records(reader, *DAY)
    assert {row["actor"]["type"] for row in found} == {"user_actor", "api_actor"}
    assert {row["customer_type"] for row in found} == {"api", "subscription"}
    assert {row.get("subscription_type") for row in found} == {"team", "enterprise", None}
    places = [(str(row["actor"]), row["customer_type"], row["terminal_type"], row["is_remote"]) for row in found]
    assert len(set(places)) == len(places)
    assert len({actor for actor, *_ in places}) < len(places)
    assert {row["is_remote"] for row in found} == {True, False}
    assert {row["date"] for row in found} == {"2026-11-17T00:00:00Z"}


def test_pages_hold_20_by_default_and_add_up(reader: Any) -> None:
    day = ("starting_at", "2026-11-18")
    first = reader.get(PATH, [day]).json()
    assert (len(first["data"]), first["has_more"]) == (20, True)
    assert records(reader, day, ("limit", "3")) == records(reader, day, ("limit", "1000"))


def test_the_last_hour_is_withheld(make_server: Any, read: Any) -> None:
    moment = [datetime(2026, 11, 19, 14, 5, tzinfo=UTC)]
    server = make_server(now=lambda: moment[0])
    client, today = read(server), [("starting_at", "2026-11-19"), ("limit", "1000")]
    before = records(client, *today)
    moment[0] = datetime(2026, 11, 19, 14, 55, tzinfo=UTC)
    assert records(client, *today) == before
    moment[0] = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    assert sum(tokens(records(client, *today)).values()) > sum(tokens(before).values())


@pytest.mark.parametrize("day", ["2020-01-01", "2026-11-20", "2025-11-25"])
def test_a_day_without_data_is_empty(reader: Any, day: str) -> None:
    assert reader.get(PATH, [("starting_at", day)]).json() == {"data": [], "has_more": False, "next_page": None}


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ([], "starting_at: Field required"),
        ([("starting_at", "2026-11-17T00:00:00Z")], "starting_at: Input should be a valid date"),
        ([("starting_at", "2026-11-7")], "starting_at: Input should be a valid date"),
        ([("starting_at", "2026-02-30")], "starting_at: Input should be a valid date"),
        ([*DAY[:1], ("limit", "1001")], "limit: Input should be less than or equal to 1000"),
        ([*DAY[:1], ("ending_at", "2026-11-18")], "ending_at: Extra inputs are not permitted"),
        ([*DAY[:1], ("page", "garbage")], "page: Invalid page token"),
    ],
)
def test_a_wrong_question_is_400(reader: Any, parameters: list[tuple[str, str]], sentence: str) -> None:
    status, said = reader.message(PATH, parameters)
    assert status == 400
    assert said.startswith(sentence)


def test_a_restated_day_follows_its_usage(make_server: Any, read: Any) -> None:
    server = make_server()
    before = records(read(server), *DAY)
    server.restate(datetime(2026, 11, 17, tzinfo=UTC).date(), change="up", workspace="Claude Code")
    after = records(read(server), *DAY)
    assert tokens(after)["input"] > tokens(before)["input"]
