"""The tables of Claude Code: each user's day, and estimates that no figure of cost contains."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger.claude_code import Metrics, Numbered, RecordedDay, Use, UseDims, UserDims, record_days, user_days
from costwatch.ledger.models import ClaudeCodeDay, ClaudeCodeDayRevision, ClaudeCodeUse, ClaudeCodeUseRevision

DAY, NEXT = date(2026, 11, 12), date(2026, 11, 13)
ADA = UserDims("user_actor", "ada@example.com", "api", "", "tmux", False)
REMOTE = ADA._replace(is_remote=True)
OPUS, SONNET = UseDims(*ADA, "claude-opus-5-5", "USD"), UseDims(*ADA, "claude-sonnet-5-5", "USD")
WORK = Metrics(4, 20, 3, 1, 0, '{"edit_tool":[5,1]}')
Keep = Callable[..., int]


@pytest.fixture
def keep(organization: Organization) -> Keep:
    """Record one day, as ingestion does. Shape: the rows that changed."""

    def once(users: Mapping[UserDims, Metrics], uses: Mapping[UseDims, Use], *, revises: bool = False) -> int:
        numbered = Numbered.of(organization.pk)
        numbered.users.of(users)
        numbered.uses.of(uses)
        day = RecordedDay(DAY, users, uses, revises)
        with transaction.atomic():
            return record_days(numbered=numbered, days=[day], run=1, seen_at=clock.now()).rows

    return once


def test_a_day_is_replaced_as_a_set_and_recording_it_again_writes_nothing(keep: Keep) -> None:
    users, uses = {ADA: WORK, REMOTE: WORK}, {OPUS: Use(1, 2, 3, 4, 5, "0.5"), SONNET: Use(6, 7, 8, 9, 10, "1")}
    assert keep(users, uses) == 4
    assert keep(users, uses) == 0
    assert keep({ADA: WORK}, {OPUS: uses[OPUS]}) == 2
    assert (ClaudeCodeDay.objects.count(), ClaudeCodeUse.objects.count()) == (1, 1)


def test_late_changes_are_kept_with_their_sign_and_what_was_said_before(keep: Keep) -> None:
    keep({ADA: WORK}, {OPUS: Use(1, 2, 3, 4, 5, "0.5")})
    keep({ADA: WORK._replace(num_sessions=3, tool_actions="{}")}, {OPUS: Use(1, 2, 3, 5, 4, "")}, revises=True)
    keep({}, {}, revises=True)
    days = ClaudeCodeDayRevision.objects.order_by("pk").values_list("num_sessions", "lines_added", "tool_actions")
    assert list(days) == [(-1, 0, '{"edit_tool":[5,1]}'), (-3, -20, "{}")]
    uses = ClaudeCodeUseRevision.objects.order_by("pk").values_list("input_tokens", "cache_creation_tokens", "estimate")
    assert list(uses) == [(0, 1, -1), (-1, -5, -4)]


def test_each_users_day_has_its_tools_and_models(keep: Keep, organization: Organization) -> None:
    keep({ADA: WORK, REMOTE: WORK._replace(tool_actions="{}")}, {OPUS: Use(1, 2, 3, 4, 5, "0.5")})
    here, remote = user_days(organization_id=organization.pk, since=DAY, until=NEXT)
    assert (here.day, here.user, here.metrics.num_sessions) == (DAY, ADA, 4)
    assert here.tools == {"edit_tool": (5, 1)}
    assert here.uses == {("claude-opus-5-5", "USD"): Use(1, 2, 3, 4, 5, "0.5")}
    assert (remote.user, remote.tools, remote.uses) == (REMOTE, {}, {})
    assert user_days(organization_id=organization.pk, since=NEXT, until=date(2026, 11, 14)) == ()


def test_an_estimate_is_in_no_figure_of_cost(keep: Keep) -> None:
    keep({ADA: WORK}, {OPUS: Use(1000, 0, 0, 0, 10**12, "100")})
    totals: dict[str, Any] = report("spend", question(since=DAY, until=NEXT, interval="total"))["totals"]
    assert (totals["reported_usd"], totals["list_usd"]) in ((None, None), (None, "0"), ("0", "0"))
