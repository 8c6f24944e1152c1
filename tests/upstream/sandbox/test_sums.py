"""Every grouping, filter and width tells the same totals, and they are the truth."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.upstream.sandbox import Totals

USAGE = "usage_report/messages"
BETA = "fast-mode-2026-02-01"
GROUPS = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
)
BASE = ("api_key_id", "workspace_id", "model", "service_tier", "inference_geo")


def counts_of(row: dict[str, Any]) -> tuple[int, ...]:
    created = row["cache_creation"]
    return (
        row["uncached_input_tokens"],
        created["ephemeral_5m_input_tokens"],
        created["ephemeral_1h_input_tokens"],
        row["cache_read_input_tokens"],
        row["output_tokens"],
        row["server_tool_use"]["web_search_requests"],
    )


def total(buckets: list[dict[str, Any]]) -> tuple[int, ...]:
    columns = zip(*(counts_of(row) for bucket in buckets for row in bucket["results"]), strict=True)
    return tuple(map(sum, columns)) or (0,) * 6


def ask(reader: Any, since: str, until: str, width: str, *more: tuple[str, str]) -> list[dict[str, Any]]:
    limit = {"1d": "31", "1h": "168", "1m": "1440"}[width]
    fixed = [("starting_at", since), ("ending_at", until), ("bucket_width", width), ("limit", limit)]
    found: list[dict[str, Any]] = reader.buckets(USAGE, [*fixed, *more], anthropic_beta=BETA)
    return found


def grouped(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("group_by[]", name) for name in names]


def test_every_grouping_sums_to_the_truth(reader: Any, shared: Any) -> None:
    truth = shared.truth.totals(datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC))[()].counts
    assert min(truth) > 0
    for size in (0, 1, 2, 5):
        for names in combinations(GROUPS, size):
            found = ask(reader, "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z", "1d", *grouped(names))
            assert total(found) == truth, names


def test_minutes_hours_and_days_sum_to_the_same(reader: Any) -> None:
    days = ask(reader, "2026-11-16T00:00:00Z", "2026-11-18T00:00:00Z", "1d", *grouped(BASE))
    hours = ask(reader, "2026-11-16T00:00:00Z", "2026-11-18T00:00:00Z", "1h", *grouped(BASE))
    minutes = ask(reader, "2026-11-16T00:00:00Z", "2026-11-18T00:00:00Z", "1m", *grouped(("model",)))
    assert [len(found) for found in (days, hours, minutes)] == [2, 48, 2880]
    assert total(days) == total(hours) == total(minutes)
    for hour in range(48):
        assert total(hours[hour : hour + 1]) == total(minutes[hour * 60 : hour * 60 + 60])


def test_the_open_day_is_the_sum_of_its_hours_and_minutes(reader: Any, shared: Any) -> None:
    day = ask(reader, "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", "1d")
    hours = ask(reader, "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", "1h")
    minutes = ask(reader, "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", "1m")
    assert (len(hours), len(minutes)) == (15, 14 * 60 + 6)
    truth = shared.truth.totals(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))[()].counts
    assert total(day) == total(hours) == total(minutes) == truth
    assert total(minutes[-1:]) == (0,) * 6


@pytest.mark.parametrize(
    ("parameter", "dimension"),
    [
        ("models[]", "model"),
        ("service_tiers[]", "service_tier"),
        ("context_window[]", "context_window"),
        ("inference_geos[]", "inference_geo"),
        ("speeds[]", "speed"),
    ],
)
def test_filters_divide_the_whole(reader: Any, shared: Any, parameter: str, dimension: str) -> None:
    since, until = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC)
    parts = shared.truth.totals(since, until, group_by=[dimension])
    assert len(parts) >= 2
    seen = []
    # Lines that only the bill has carry no such value, and no counts.
    assert parts.pop(("",), Totals()).counts == (0,) * 6
    for (value,), truth in parts.items():
        found = ask(reader, "2026-11-09T00:00:00Z", "2026-11-11T00:00:00Z", "1h", (parameter, value), *grouped(BASE))
        assert total(found) == truth.counts
        seen.append(truth.counts)
    assert tuple(map(sum, zip(*seen, strict=True))) == shared.truth.totals(since, until)[()].counts


def test_a_filter_never_matches_a_null(reader: Any, shared: Any) -> None:
    default = shared.sandbox.directory.default_id
    found = ask(reader, "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z", "1d", ("workspace_ids[]", default))
    assert found[0]["results"] == []


def test_ungrouped_dimensions_are_null_and_speed_is_no_field(reader: Any) -> None:
    found = ask(reader, "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z", "1d", *grouped(("speed", "service_tier")))
    rows = found[0]["results"]
    assert len(rows) == len({row["service_tier"] for row in rows}) + 1
    assert all("speed" not in row and row["model"] is None and row["api_key_id"] is None for row in rows)


def test_truth_follows_hours_and_filters(reader: Any, shared: Any) -> None:
    since, until = datetime(2026, 11, 17, 9, tzinfo=UTC), datetime(2026, 11, 17, 12, tzinfo=UTC)
    truth = shared.truth.totals(since, until, workspace_id="default", model=["claude-sonnet-5", "claude-sonnet-5-5"])
    more = [("models[]", "claude-sonnet-5"), ("models[]", "claude-sonnet-5-5"), *grouped(("workspace_id",))]
    rows = [
        row
        for bucket in ask(reader, "2026-11-17T09:00:00Z", "2026-11-17T12:00:00Z", "1h", *more)
        for row in bucket["results"]
        if row["workspace_id"] is None
    ]
    assert truth[()].counts == tuple(map(sum, zip(*map(counts_of, rows), strict=True)))
    assert truth[()].reported is None


def test_truth_refuses_a_dimension_that_does_not_exist(shared: Any) -> None:
    with pytest.raises(ValueError, match="no such dimension: colour"):
        shared.truth.totals(datetime(2026, 11, 17, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC), group_by=["colour"])


def test_a_quiet_stream_shows_in_few_minutes_and_a_busy_one_in_all(reader: Any) -> None:
    buckets = ask(reader, "2026-11-17T10:00:00Z", "2026-11-17T11:00:00Z", "1m", *grouped(("model", "api_key_id")))
    minutes: dict[tuple[str, str], int] = {}
    for bucket in buckets:
        for row in bucket["results"]:
            place = (row["model"], row["api_key_id"])
            minutes[place] = minutes.get(place, 0) + 1
    assert max(minutes.values()) == 60
    assert min(minutes.values()) < 10


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(st.sampled_from(GROUPS), max_size=5),
    start=st.integers(0, 60 * 24 * 8),
    length=st.integers(1, 300),
    width=st.sampled_from(["1m", "1h", "1d"]),
    speed=st.sampled_from(["", "fast", "standard"]),
    window=st.sampled_from(["", "0-200k", "200k-1M"]),
)
def test_any_question_is_answered_with_the_truth(
    reader: Any, shared: Any, names: set[str], start: int, length: int, width: str, speed: str, window: str
) -> None:
    size = {"1m": 1, "1h": 60, "1d": 1440}[width]
    since = datetime(2026, 11, 12, tzinfo=UTC) + timedelta(minutes=start // size * size)
    until = since + timedelta(minutes=(length if size < 1440 else length % 4 + 1) * size)
    more = grouped(tuple(names))
    filters = {}
    if speed:
        more.append(("speeds[]", speed))
        filters["speed"] = speed
    if window:
        more.append(("context_window[]", window))
        filters["context_window"] = window
    found = ask(reader, since.isoformat(), until.isoformat(), width, *more)
    truth = shared.truth.totals(since, until, **filters)[()]
    assert total(found) == truth.counts
