"""The sandbox's analytics: as strict as the vendor, and equal to its own truth to the last pico-dollar."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

USAGE, COST = "analytics/usage", "analytics/cost"
BETA = "analytics-usage-cost-2026-08-24"
WEEK = [("starting_at", "2026-11-09T00:00:00Z"), ("ending_at", "2026-11-16T00:00:00Z")]
DAILY = [*WEEK, ("time_bucket_width", "1d")]
FIVE = [("group_by[]", name) for name in ("api_key_id", "actor", "workspace_id", "model", "service_tier")]
FAN_OUT = [("group_by[]", "cost_type"), ("group_by[]", "token_type")]
ALL = [("limit", "1000")]
ADJUSTMENT = -1_250_375_000_000_000


def rows(reader: Any, path: str, *params: tuple[str, str]) -> list[dict[str, Any]]:
    """Every row over all pages."""
    found: list[dict[str, Any]] = reader.buckets(path, list(params), anthropic_beta=BETA)
    return found


def refusal(reader: Any, path: str, *params: tuple[str, str]) -> tuple[int, str]:
    status, sentence = reader.message(path, list(params), anthropic_beta=BETA)
    return status, sentence


def at(day: int, month: int = 11, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def pico(found: list[dict[str, Any]], name: str = "amount") -> int:
    total = sum((Decimal(row["cost"][name]) for row in found), Decimal(0)) * 10**10
    assert total == int(total)
    return int(total)


def counts(found: list[dict[str, Any]]) -> tuple[int, ...]:
    used = [row["usage"] for row in found]
    return (
        sum(one["uncached_input_tokens"] for one in used),
        sum(one["cache_creation"]["ephemeral_5m_input_tokens"] for one in used),
        sum(one["cache_creation"]["ephemeral_1h_input_tokens"] for one in used),
        sum(one["cache_read_input_tokens"] for one in used),
        sum(one["output_tokens"] for one in used),
        sum(one["server_tool_use"]["web_search_requests"] for one in used),
    )


def test_usage_is_what_the_usage_report_says_under_every_grouping(reader: Any, shared: Any) -> None:
    truth = shared.truth.totals(at(9), at(16))[()].counts
    for grouping in ([], FIVE, FIVE[:1], [("group_by[]", "speed"), ("group_by[]", "context_window")]):
        found = rows(reader, USAGE, *DAILY, *ALL, *grouping)
        assert counts(found) == truth
        assert sum(row["usage"]["total_tokens"] for row in found) == sum(truth[:5])


def test_usage_by_key_and_model_is_the_truth_of_each(reader: Any, shared: Any) -> None:
    found = rows(reader, USAGE, *WEEK, *ALL, ("group_by[]", "api_key_id"), ("group_by[]", "model"))
    ours = {(row["group"]["api_key_id"] or "console", row["group"]["model"]): counts([row]) for row in found}
    truth = shared.truth.totals(at(9), at(16), group_by=["api_key_id", "model"])
    assert ours == {key: total.counts for key, total in truth.items()}


def test_cost_is_the_bill_without_its_credits(reader: Any, shared: Any) -> None:
    """The one credit of the scenario falls on 5 November."""
    span = [("starting_at", "2026-10-20T00:00:00Z"), ("ending_at", "2026-11-19T00:00:00Z")]
    bill = shared.truth.totals(at(20, 10), at(19))[()].reported
    for grouping in ([], FIVE, [*FIVE, *FAN_OUT], FAN_OUT):
        assert pico(rows(reader, COST, *span, ("time_bucket_width", "1d"), *ALL, *grouping)) == bill - ADJUSTMENT


def test_cost_by_workspace_and_token_type_is_the_bill_of_each(reader: Any, shared: Any) -> None:
    grouping = [("group_by[]", "workspace_id"), *FAN_OUT]
    default = shared.sandbox.directory.default_id
    ours: dict[tuple[str, ...], int] = {}
    for row in rows(reader, COST, *WEEK, *ALL, *grouping):
        group = row["group"]
        workspace = "default" if group["workspace_id"] == default else group["workspace_id"]
        token_type = (group["token_type"] or "").removeprefix("cache_creation.")
        ours[workspace, group["cost_type"], token_type] = pico([row])
    truth = shared.truth.totals(at(9), at(16), group_by=["workspace_id", "cost_type", "token_type"])
    assert ours == {key: total.reported for key, total in truth.items() if total.reported}


def test_list_and_paid_differ_only_where_there_are_terms(reader: Any) -> None:
    found = rows(reader, COST, *WEEK, *ALL, ("group_by[]", "model"))
    differing = {row["group"]["model"]: row["cost"] for row in found if pico([row]) != pico([row], "list_amount")}
    assert set(differing) == {"claude-lynx-1-preview"}
    row = [row for row in found if row["group"]["model"] == "claude-lynx-1-preview"]
    assert pico(row, "list_amount") * 4 == pico(row) * 5


def test_requests_sum_over_spans_and_groupings(reader: Any) -> None:
    day = [("starting_at", "2026-11-18T00:00:00Z"), ("ending_at", "2026-11-19T00:00:00Z"), *ALL]
    sums = {
        sum(row["usage"]["requests"] for row in rows(reader, USAGE, *day, *more))
        for more in ([], FIVE, [("time_bucket_width", "1d")], [("time_bucket_width", "1h"), *FIVE])
    }
    minutes = [("starting_at", "2026-11-18T09:00:00Z"), ("ending_at", "2026-11-18T11:00:00Z"), *ALL]
    by_minute = rows(reader, USAGE, *minutes, ("time_bucket_width", "1m"), FIVE[3])
    by_hour = rows(reader, USAGE, *minutes, ("time_bucket_width", "1h"), FIVE[3])
    assert len(sums) == 1
    assert sums.pop() > 100_000
    assert len(by_minute) > len(by_hour)
    assert sum(row["usage"]["requests"] for row in by_minute) == sum(row["usage"]["requests"] for row in by_hour)
    assert counts(by_minute) == counts(by_hour)


def test_requests_are_null_where_cost_is_grouped_by_what_they_do_not_have(reader: Any) -> None:
    assert {row["cost"]["requests"] for row in rows(reader, COST, *WEEK, *ALL, *FIVE, *FAN_OUT)} == {None}
    assert {row["cost"]["requests"] for row in rows(reader, COST, *WEEK, *ALL, *FIVE, FAN_OUT[0])} == {None}
    assert sum(row["cost"]["requests"] for row in rows(reader, COST, *WEEK, *ALL, *FIVE)) > 100_000


def test_the_default_workspace_has_its_real_id_and_actors_are_a_union(reader: Any, shared: Any) -> None:
    found = rows(reader, USAGE, *WEEK, *ALL, *FIVE)
    assert shared.sandbox.directory.default_id in {row["group"]["workspace_id"] for row in found}
    assert None not in {row["group"]["workspace_id"] for row in found}
    actors = [row["group"]["actor"] for row in found]
    assert {actor["type"] for actor in actors} == {"user_actor", "service_account_actor", "api_actor"}
    person = next(actor for actor in actors if actor["type"] == "user_actor")
    assert set(person) == {"type", "user_id", "email_address", "name", "deleted"}
    assert person["email_address"].endswith("@example.com")
    sessions = [row["group"] for row in rows(reader, COST, *WEEK, *ALL, *FIVE) if row["group"]["model"] is None]
    assert {(group["actor"], group["api_key_id"], group["service_tier"]) for group in sessions} == {(None, None, None)}


def test_an_ungrouped_dimension_is_null_and_all_are_named(reader: Any) -> None:
    (row,) = rows(reader, USAGE, *WEEK, *ALL)
    assert len(row["group"]) == 20
    assert set(row["group"].values()) == {None}
    assert (row["starting_at"], row["ending_at"]) == ("2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z")
    (row,) = rows(reader, COST, *WEEK, *ALL)
    assert set(row["group"]) > {"cost_type", "token_type"}


def test_filters_divide_the_whole(reader: Any, shared: Any) -> None:
    whole = counts(rows(reader, USAGE, *WEEK, *ALL))
    for name, values in {
        "speeds[]": ("fast", "standard"),
        "context_windows[]": ("0-200k", "200k-1M"),
        "service_tiers[]": ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"),
    }.items():
        parts = [counts(rows(reader, USAGE, *WEEK, *ALL, (name, value))) for value in values]
        assert tuple(map(sum, zip(*[part for part in parts if part], strict=True))) == whole
    fast = counts(rows(reader, USAGE, *WEEK, *ALL, ("speeds[]", "fast")))
    assert fast == shared.truth.totals(at(9), at(16), speed="fast")[()].counts


def test_an_empty_key_matches_what_no_key_authenticated(reader: Any, shared: Any) -> None:
    found = rows(reader, USAGE, *WEEK, *ALL, ("api_key_ids[]", ""))
    assert counts(found) == shared.truth.totals(at(9), at(16), api_key_id="console")[()].counts


def test_rows_are_ranked_unless_ordered_by_time(reader: Any) -> None:
    ranked = [pico([row]) for row in rows(reader, COST, *DAILY, *ALL, FIVE[3])]
    assert ranked == sorted(ranked, reverse=True)
    timed = [row["starting_at"] for row in rows(reader, COST, *DAILY, *ALL, ("order_by", "time"), ("order", "asc"))]
    assert timed == sorted(timed)
    assert timed[0] == "2026-11-09T00:00:00Z"


def test_pages_hold_20_groups_by_default_and_their_parts_do_not_count(reader: Any) -> None:
    def page(*more: tuple[str, str]) -> Any:
        return reader.get(COST, [*WEEK, *FIVE, *more], anthropic_beta=BETA).json()

    assert len(page()["data"]) == 20
    assert page()["has_more"] is True
    assert len(page(*FAN_OUT)["data"]) > 40
    assert page()["data_refreshed_at"] == "2026-11-19T14:05:00Z"
    small = rows(reader, COST, *WEEK, *FIVE, *FAN_OUT, ("limit", "7"))
    assert sorted(map(repr, small)) == sorted(map(repr, rows(reader, COST, *WEEK, *FIVE, *FAN_OUT, *ALL)))


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ([("limit", "0")], "limit: Input should be greater than or equal to 1"),
        ([("limit", "1001")], "limit: Input should be less than or equal to 1000"),
        ([("time_bucket_width", "1w")], "time_bucket_width: Input should be '1d', '1h' or '1m'"),
        ([("time_bucket_width", "1m")], "ending_at: the range spans at most 24 hours"),
        ([("order_by", "amount")], "order_by: Input should be 'total_tokens', 'output_tokens', 'requests', 'time'"),
        ([("bucket_width", "1d")], "bucket_width: Extra inputs are not permitted"),
        ([("group_by", "model")], "group_by: Extra inputs are not permitted"),
        ([("group_by[]", "cost_type")], "group_by[].0: Input should be 'actor', 'actor_type'"),
        ([*FIVE, ("group_by[]", "speed")], "Cannot specify more than 5 group_by[] dimensions"),
        ([("page", "page_AAAA")], "page: Invalid page token"),
    ],
)
def test_a_wrong_parameter_is_400(reader: Any, parameters: list[tuple[str, str]], sentence: str) -> None:
    status, said = refusal(reader, USAGE, *WEEK, *parameters)
    assert status == 400
    assert said.startswith(sentence)


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        (
            "2025-12-31T00:00:00Z",
            "2026-01-02T00:00:00Z",
            "starting_at: must be within the last 365 days and not before",
        ),
        ("2026-10-01T00:00:00Z", "2026-11-02T00:00:00Z", "ending_at: the range spans at most 31 days"),
        ("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", "ending_at: must be after starting_at"),
        ("2026-11-02", "2026-11-03T00:00:00Z", "starting_at: Input should be a valid datetime"),
    ],
)
def test_a_wrong_range_is_400(reader: Any, since: str, until: str, sentence: str) -> None:
    status, said = refusal(reader, COST, ("starting_at", since), ("ending_at", until))
    assert status == 400
    assert said.startswith(sentence)


def test_a_width_needs_an_end_and_a_whole_range_does_not(reader: Any) -> None:
    begin = ("starting_at", "2026-11-16T00:00:00Z")
    assert refusal(reader, USAGE, begin, ("time_bucket_width", "1d"))[0] == 400
    (row,) = rows(reader, USAGE, begin)
    assert row["ending_at"] == "2026-11-19T14:00:00Z"


def test_both_headers_are_needed(reader: Any, shared: Any) -> None:
    status, sentence = reader.message(USAGE, WEEK)
    assert (status, BETA in sentence) == (400, True)
    headers = {"x-api-key": shared.admin_key, "anthropic-beta": BETA}
    assert httpx.get(f"{shared.url}/v1/organizations/{USAGE}", params=WEEK, headers=headers).status_code == 400
    assert reader.get(USAGE, WEEK, anthropic_beta=BETA, x_api_key=shared.reduced_key).status_code == 403


def test_a_cursor_belongs_to_its_question_and_dies_with_a_refresh(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    token = ("page", client.get(USAGE, [*WEEK, *FIVE], anthropic_beta=BETA).json()["next_page"])
    assert client.get(USAGE, [*WEEK, *FIVE, token], anthropic_beta=BETA).status_code == 200
    assert client.get(USAGE, [*WEEK, *FIVE[:4], token], anthropic_beta=BETA).status_code == 400
    assert client.get(COST, [*WEEK, *FIVE, token], anthropic_beta=BETA).status_code == 400
    assert httpx.post(f"{server.url}/_sandbox/refresh").status_code == 200
    status, sentence = client.message(USAGE, [*WEEK, *FIVE, token], anthropic_beta=BETA)
    assert (status, sentence) == (410, "page: This cursor has expired. Start again from page 1.")


def test_a_fault_ends_a_cursor_too(make_server: Any, read: Any) -> None:
    server = make_server()
    server.faults.add("gone", path="analytics", after=1)
    assert [read(server).get(USAGE, WEEK, anthropic_beta=BETA).status_code for _ in range(3)] == [200, 410, 200]


def test_later_pages_show_the_moment_of_the_first(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    before = rows(client, USAGE, *WEEK, *FIVE, *ALL)
    first = client.get(USAGE, [*WEEK, *FIVE, ("limit", "100")], anthropic_beta=BETA).json()
    server.restate(at(12).date(), change="up")
    found, token = first["data"], first["next_page"]
    while token:
        page = client.get(USAGE, [*WEEK, *FIVE, ("limit", "100"), ("page", token)], anthropic_beta=BETA).json()
        found, token = found + page["data"], page["next_page"]
    assert found == before
    assert counts(rows(client, USAGE, *WEEK, *FIVE, *ALL)) == server.truth.totals(at(9), at(16))[()].counts


@pytest.mark.parametrize(("offer", "status"), [("missing", 404), ("forbidden", 403)])
def test_an_organization_may_have_no_analytics(make_server: Any, read: Any, offer: str, status: int) -> None:
    server = make_server()
    assert httpx.post(f"{server.url}/_sandbox/offer", json={"analytics": offer}).status_code == 200
    found, sentence = read(server).message(COST, WEEK, anthropic_beta=BETA)
    assert found == status
    assert "analytics" in sentence
