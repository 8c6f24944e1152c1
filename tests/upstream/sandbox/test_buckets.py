"""Buckets: aligned, complete, oldest first, and never beyond now."""

from typing import Any

import pytest

USAGE = "usage_report/messages"


def span(since: str, until: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("starting_at", since), ("ending_at", until), *more]


def starts(buckets: list[dict[str, Any]]) -> list[str]:
    return [bucket["starting_at"] for bucket in buckets]


@pytest.mark.parametrize(("width", "count"), [("1d", 7), ("1h", 24), ("1m", 60)])
def test_the_default_page_size_depends_on_the_width(reader: Any, width: str, count: int) -> None:
    page = reader.get(USAGE, span("2026-10-01T00:00:00Z", "2026-11-10T00:00:00Z", ("bucket_width", width))).json()
    assert len(page["data"]) == count
    assert page["has_more"] is True
    assert page["next_page"].startswith("page_")


def test_a_bucket_that_ends_exactly_at_ending_at_is_included(reader: Any) -> None:
    found = reader.buckets(USAGE, span("2026-11-08T00:00:00Z", "2026-11-15T00:00:00Z"))
    assert starts(found) == [f"2026-11-{day:02}T00:00:00Z" for day in (8, 9, 10, 11, 12, 13, 14)]


def test_starting_at_is_snapped_down_in_utc(reader: Any) -> None:
    found = reader.buckets(USAGE, span("2026-11-08T01:30:00+02:00", "2026-11-08T03:00:00Z", ("bucket_width", "1h")))
    assert starts(found) == [f"2026-11-{hour}:00:00Z" for hour in ("07T23", "08T00", "08T01", "08T02")]


def test_the_current_bucket_is_there_and_nothing_after_it(reader: Any) -> None:
    found = reader.buckets(USAGE, span("2026-11-19T12:00:00Z", "2026-11-21T00:00:00Z", ("bucket_width", "1h")))
    assert starts(found) == ["2026-11-19T12:00:00Z", "2026-11-19T13:00:00Z", "2026-11-19T14:00:00Z"]
    assert starts(reader.buckets(USAGE, [("starting_at", "2026-11-18T00:00:00Z")])) == [
        "2026-11-18T00:00:00Z",
        "2026-11-19T00:00:00Z",
    ]
    assert reader.buckets("cost_report", [("starting_at", "2026-12-18T00:00:00Z")]) == []


def test_quiet_buckets_are_empty_not_missing(reader: Any) -> None:
    before = span("2025-01-01T00:00:00Z", "2025-01-04T00:00:00Z")
    assert [bucket["results"] for bucket in reader.buckets(USAGE, before)] == [[], [], []]
    assert [bucket["results"] for bucket in reader.buckets("cost_report", before)] == [[], [], []]
    quiet = span("2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z", ("bucket_width", "1h"), ("models[]", "claude-opus-3"))
    assert [len(bucket["results"]) for bucket in reader.buckets(USAGE, quiet)] == [0] * 24


def test_rows_inside_a_bucket_come_in_no_order_but_the_same_one(reader: Any) -> None:
    asked = span(
        "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z", ("group_by[]", "model"), ("group_by[]", "workspace_id")
    )
    first, second = reader.buckets(USAGE, asked), reader.buckets(USAGE, asked)
    models = [row["model"] for row in first[0]["results"]]
    assert first == second
    assert models != sorted(models)


def test_pages_and_one_large_page_agree(reader: Any) -> None:
    asked = span("2026-10-20T00:00:00Z", "2026-11-19T00:00:00Z")
    assert reader.buckets(USAGE, asked) == reader.buckets(USAGE, [*asked, ("limit", "31")])
