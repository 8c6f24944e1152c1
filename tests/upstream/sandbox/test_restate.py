"""Restatements: the past changes only when told to, and truth and bill follow."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

USAGE = "usage_report/messages"
BASE = [("group_by[]", name) for name in ("api_key_id", "workspace_id", "model", "service_tier", "inference_geo")]
TENTH = (datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))


def hours(client: Any) -> list[dict[str, Any]]:
    asked = [("starting_at", "2026-11-10T00:00:00Z"), ("ending_at", "2026-11-11T00:00:00Z"), ("bucket_width", "1h")]
    buckets: list[dict[str, Any]] = client.buckets(USAGE, [*asked, *BASE])
    for bucket in buckets:
        bucket["results"].sort(key=repr)
    return buckets


def summed(buckets: list[dict[str, Any]], field: str = "uncached_input_tokens") -> int:
    return sum(row[field] for bucket in buckets for row in bucket["results"])


@pytest.mark.parametrize(("change", "sign"), [("up", 1), ("down", -1), ("vanish", -1), ("new", 1)])
def test_an_hour_changes_and_no_other(make_server: Any, read: Any, change: str, sign: int) -> None:
    server = make_server()
    client = read(server)
    before, truth_before = hours(client), server.truth.totals(*TENTH)[()]
    what = server.restate(datetime(2026, 11, 10, 9, tzinfo=UTC), change=change, workspace="search-prod")
    after, truth_after = hours(client), server.truth.totals(*TENTH)[()]
    assert [index for index in range(24) if before[index] != after[index]] == [9]
    assert len(after[9]["results"]) - len(before[9]["results"]) == {"vanish": -1, "new": 1}.get(change, 0)
    difference = summed(after, "output_tokens") - summed(before, "output_tokens")
    assert difference * sign > 0
    assert difference == truth_after.output_tokens - truth_before.output_tokens == what.after[4] - what.before[4]
    assert (truth_after.reported - truth_before.reported) * sign > 0
    day = [("starting_at", "2026-11-10T00:00:00Z"), ("ending_at", "2026-11-11T00:00:00Z")]
    assert summed(client.buckets(USAGE, [*day, *BASE])) == summed(after) == truth_after.uncached_input_tokens


def test_a_day_changes_in_all_its_hours(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    before = hours(client)
    what = server.restate(date(2026, 11, 10), change="up")
    after = hours(client)
    assert all(first != second for first, second in zip(before, after, strict=True))
    assert (what.start, what.end) == TENTH
    assert summed(after) - summed(before) == what.after[0] - what.before[0]


def test_a_new_line_appears_on_the_bill(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    asked = [("starting_at", "2026-11-10T00:00:00Z"), ("ending_at", "2026-11-11T00:00:00Z")]
    asked += [("group_by[]", "description"), ("group_by[]", "workspace_id")]

    def models() -> set[str | None]:
        return {row["model"] for row in client.buckets("cost_report", asked)[0]["results"]}

    before = models()
    what = server.restate(date(2026, 11, 10), change="new", workspace="evals")
    assert models() - before == set(what.models) - before
    assert len(what.models) == 1


def test_the_default_workspace_can_be_restated_by_name_id_or_null(make_server: Any) -> None:
    server = make_server()
    hour = datetime(2026, 11, 10, 9, tzinfo=UTC)
    by_null = server.restate(hour, change="up", workspace=None)
    by_name = server.restate(hour, change="up", workspace="Default")
    by_id = server.restate(hour, change="up", workspace=server.sandbox.directory.default_id)
    assert by_null.rows == by_name.rows == by_id.rows > 0
    assert by_name.before == by_null.after


def test_nothing_to_change_is_said(make_server: Any) -> None:
    server = make_server()
    with pytest.raises(ValueError, match="nothing to change"):
        server.restate(date(2020, 1, 1), change="up")
    with pytest.raises(ValueError, match="none of up, down, vanish, new"):
        server.restate(date(2026, 11, 10), change="sideways")
