"""The same anchor and seed tell the same story, whenever and by whomever it is read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from costwatch.upstream.sandbox.sandbox import Sandbox

USAGE = "usage_report/messages"
ANCHOR = datetime(2026, 11, 19, 14, 5, tzinfo=UTC)
BASE = [("group_by[]", name) for name in ("api_key_id", "workspace_id", "model", "service_tier", "inference_geo")]
WEEK = [
    ("starting_at", "2026-11-10T00:00:00Z"),
    ("ending_at", "2026-11-12T00:00:00Z"),
    ("bucket_width", "1h"),
    ("limit", "168"),
]


def test_two_servers_answer_alike_whatever_was_asked_before(make_server: Any, read: Any) -> None:
    first, second = read(make_server()), read(make_server())
    second.buckets("cost_report", [("starting_at", "2026-01-01T00:00:00Z"), ("limit", "31")])
    second.buckets(USAGE, [("starting_at", "2026-11-19T07:00:00Z"), ("bucket_width", "1m"), ("limit", "1440")])
    assert first.buckets(USAGE, [*WEEK, *BASE]) == second.buckets(USAGE, [*WEEK, *BASE])
    assert first.get("api_keys").json() == second.get("api_keys").json()


def test_another_seed_is_another_organization(make_server: Any, read: Any) -> None:
    first, second = read(make_server(seed=7)), read(make_server(seed=8))
    assert first.buckets(USAGE, [*WEEK, *BASE]) != second.buckets(USAGE, [*WEEK, *BASE])
    assert first.get("me").json()["id"] != second.get("me").json()["id"]


def test_time_passing_adds_hours_and_changes_none(make_server: Any, read: Any) -> None:
    moment = [datetime(2026, 11, 19, 14, 20, tzinfo=UTC)]
    client = read(make_server(now=lambda: moment[0]))
    asked = [("starting_at", "2026-11-19T00:00:00Z"), ("bucket_width", "1h"), ("limit", "168"), *BASE]
    early = client.buckets(USAGE, asked)
    moment[0] += timedelta(minutes=25)
    later = client.buckets(USAGE, asked)
    moment[0] += timedelta(hours=2)
    latest = client.buckets(USAGE, asked)
    assert [len(found) for found in (early, later, latest)] == [15, 15, 17]
    assert early[:14] == later[:14] == latest[:14]
    assert tokens(early[14]) < tokens(later[14]) < tokens(latest[14])


def tokens(bucket: dict[str, Any]) -> int:
    return sum(row["uncached_input_tokens"] for row in bucket["results"])


def test_tokens_outlive_a_restart(make_server: Any, read: Any) -> None:
    asked = [("starting_at", "2026-11-01T00:00:00Z"), ("ending_at", "2026-11-18T00:00:00Z")]
    token = ("page", read(make_server()).get(USAGE, asked).json()["next_page"])
    assert read(make_server()).get(USAGE, [*asked, token]).status_code == 200


@pytest.mark.parametrize(
    "anchor",
    [
        datetime(2025, 12, 1, tzinfo=UTC),
        datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 8, 15, 12, tzinfo=UTC),
        datetime(2027, 12, 31, 5, tzinfo=UTC),
    ],
)
def test_any_anchor_gives_a_full_history_of_models_that_existed(anchor: datetime) -> None:
    sandbox = Sandbox(anchor, 7, lambda: anchor, 400, 1)
    now = int(anchor.timestamp())
    first = now // 86_400 - 400
    launched = {
        "claude-opus-4-5-20251101": "2025-11-24",
        "claude-opus-4-6": "2026-02-05",
        "claude-sonnet-5": "2026-06-30",
        "claude-opus-5-5": "2026-09-22",
        "claude-haiku-5-5": "2026-10-07",
        "claude-fable-5-2": "2026-11-09",
    }
    retired = {
        "claude-3-5-sonnet-20241022": "2025-10-28",
        "claude-opus-4-1-20250805": "2026-08-05",
        "claude-sonnet-4-5-20250929": "2026-11-30",
    }
    for day in range(first, first + 400, 3):
        text = (datetime(1970, 1, 1) + timedelta(days=day)).date().isoformat()
        models = {sandbox.history.streams.all[number].terms.model for number, _ in sandbox.history.day(day)}
        assert models, text
        assert all(text >= launched.get(model, text) for model in models), (text, models)
        assert all(text < retired.get(model, "9999") for model in models), (text, models)
    assert sandbox.history.day(first - 1) == []


def test_old_models_know_no_geography(shared: Any) -> None:
    found = shared.truth.totals(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC), group_by=["model", "inference_geo"]
    )
    old = {model for model, geo in found if geo == "not_available"}
    assert {"claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"} <= old
    assert not old & {model for model, geo in found if geo in ("global", "us")}
    assert ("claude-opus-5-5", "us") in found


def test_the_newest_full_month_is_of_the_size_promised(shared: Any) -> None:
    october = shared.truth.totals(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))[()]
    assert 250_000 * 10**12 < october.reported < 400_000 * 10**12


def test_an_hour_has_about_forty_to_seventy_rows(reader: Any) -> None:
    buckets = reader.buckets(USAGE, [*WEEK, *BASE])
    average = sum(len(bucket["results"]) for bucket in buckets) / len(buckets)
    assert 40 < average < 80


def test_the_story_has_its_events(shared: Any) -> None:
    ids = shared.sandbox.directory.workspace_ids

    def spent(name: str, day: int) -> float:
        start = datetime(2026, 11, day, tzinfo=UTC)
        total = shared.truth.totals(start, start + timedelta(days=1), workspace_id=ids[name])[()]
        return float(total.list_low) / 10**12

    assert spent("search-prod", 10) > 1.2 * spent("search-prod", 5)  # the launch of the 9th
    assert spent("support-bot", 3) > 1.8 * spent("support-bot", 4)  # the incident of the 3rd
    assert spent("code-review", 14) < 0.3 * spent("code-review", 13)  # a Saturday
    assert spent("legacy-importer", 10) == 0  # archived weeks ago


def test_usage_without_a_key_has_people_service_accounts_and_nobody(shared: Any) -> None:
    since, until = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC)
    found = shared.truth.totals(since, until, group_by=["account_id", "service_account_id"], api_key_id="console")
    assert any(account for account, _ in found)
    assert any(service for _, service in found)


def test_scale_multiplies_keys(make_server: Any, read: Any) -> None:
    large: Callable[..., Any] = read(make_server(scale=3)).get
    assert len(large("api_keys", [("limit", "1000")]).json()["data"]) == 178
