"""Reading Claude Code: a request a day, numbers as decimals."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.upstream.claude_code import Use, parse, read
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Malformed
from costwatch.upstream.pages import Bucket, Window, bucket_of
from costwatch.upstream.sandbox.server import SandboxServer

START = datetime(2026, 11, 17, tzinfo=UTC)
DAY = timedelta(days=1)
Make = Callable[..., AdminClient]
RECORD = (
    '{"actor": {"type": "api_actor", "api_key_name": "ci"}, "customer_type": "subscription", '
    '"core_metrics": {"num_sessions": 1, "lines_of_code": {"added": 2, "removed": 3}, "commits_by_claude_code": 4, '
    '"pull_requests_by_claude_code": 5}, "date": "2026-11-17T00:00:00Z", "is_remote": true, "terminal_type": "tmux", '
    '"subscription_type": "team", "tool_actions": {"write_tool": {"accepted": 6, "rejected": 7}}, "model_breakdown": '
    '[{"model": "m", "tokens": {"input": 8, "output": 9, "cache_read": 10, "cache_creation": 11}, '
    '"estimated_cost": {"currency": "USD", "amount": %s}}]}'
)


def bucket(*records: str) -> Bucket:
    return bucket_of(START, START + DAY, [msgspec.Raw(record.encode()) for record in records])


def test_a_window_is_a_question_a_day_with_its_pages(make: Make, sandbox: SandboxServer) -> None:
    whole = read(make(), Window(START, START + 3 * DAY))
    assert [one.query for one in sandbox.requests] == [
        "starting_at=2026-11-17&limit=1000",
        "starting_at=2026-11-18&limit=1000",
        "starting_at=2026-11-19&limit=1000",
    ]
    small = read(make(), Window(START, START + 3 * DAY), limit=7)
    assert [one.digest for one in small.buckets] == [one.digest for one in whole.buckets]
    assert [one.start for one in whole.buckets] == [START, START + DAY, START + 2 * DAY]


@pytest.mark.parametrize("kind", ["lost_token", "repeated_token", "duplicate_page"])
def test_ing_09_pages_cannot_loop_or_end_silently(make: Make, sandbox: SandboxServer, kind: str) -> None:
    sandbox.faults.add(kind, path="claude_code", times=None)
    with pytest.raises(Malformed):
        read(make(), Window(START, START + DAY), limit=5)
    assert len(sandbox.requests) <= 3


def test_a_record_is_read_as_it_was_written() -> None:
    (record,) = parse(bucket(RECORD % "186.10")).records
    assert (record.actor_type, record.actor, record.customer_type) == ("api_actor", "ci", "subscription")
    assert (record.subscription_type, record.terminal_type, record.is_remote) == ("team", "tmux", True)
    assert (record.sessions, record.lines_added, record.lines_removed) == (1, 2, 3)
    assert (record.commits, record.pull_requests, record.tools) == (4, 5, {"write_tool": (6, 7)})
    assert record.uses == (Use("m", 8, 9, 10, 11, "USD", Decimal("186.10")),)


@pytest.mark.parametrize("number", ["0.1", "0.30000000000000004", "123456789012.3456789012345", "1.5e-7", "0", "-3"])
def test_a_number_keeps_every_digit_on_both_ways(number: str) -> None:
    """A record with a field that nobody knows takes the slower way."""
    plain, newer = RECORD % number, (RECORD % number)[:-1] + ', "new": 1}'
    for text in (plain, newer):
        (record,) = parse(bucket(text)).records
        assert record.uses[0].estimate == Decimal(number)


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(RECORD) - 1),
    text=st.sampled_from(["", "null", "-1", "1e999", '"', "{", "[]", "true", "\\u0000", "1" * 40, ", "]),
)
def test_ing_11_whatever_a_record_holds_it_is_kept_or_set_aside_with_a_reason(at: int, text: str) -> None:
    whole = RECORD % "1"
    parsed = parse(bucket(whole[:at] + text + whole[at + 1 :], whole))
    assert len(parsed.records) + len(parsed.rejected) == 2
    assert len(parsed.records) >= 1
    assert all(json.dumps(one.raw) and one.reason for one in parsed.rejected)
