"""Recording and reading the days of Claude Code. Its amounts are the vendor's estimates, added to no other cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from costwatch.ledger.intern import Numbers
from costwatch.ledger.models import ClaudeCodeDay, ClaudeCodeModelSeries, ClaudeCodeSeries, ClaudeCodeUse
from costwatch.ledger.record import Recorded
from costwatch.ledger.store import store
from costwatch.ledger.store.base import Row
from costwatch.ledger.store.tables import (
    CLAUDE_CODE_DAY,
    CLAUDE_CODE_DAY_REVISION,
    CLAUDE_CODE_USE,
    CLAUDE_CODE_USE_REVISION,
)


class UserDims(NamedTuple):
    """Who, on whose account, at which terminal."""

    actor_type: str
    actor: str
    customer_type: str
    subscription_type: str
    terminal_type: str
    is_remote: bool


class UseDims(NamedTuple):
    """The same with a model and the currency of its estimate."""

    actor_type: str
    actor: str
    customer_type: str
    subscription_type: str
    terminal_type: str
    is_remote: bool
    model: str
    currency: str


class Metrics(NamedTuple):
    """What is counted of somebody's day. `tool_actions` is JSON: name -> [accepted, rejected]."""

    num_sessions: int
    lines_added: int
    lines_removed: int
    commits_by_claude_code: int
    pull_requests_by_claude_code: int
    tool_actions: str


class Use(NamedTuple):
    """What a model was given and gave. Units: the estimate in pico-dollars; the vendor's text in cents."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    estimate: int
    estimate_cents: str


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """Every record of one day. `revises` says that it had ended, and had been read before."""

    day: date
    users: Mapping[UserDims, Metrics]
    uses: Mapping[UseDims, Use]
    revises: bool = False


@dataclass(frozen=True, slots=True)
class Numbered:
    """The numbers of an organization's dimensions in Claude Code, remembered for one run."""

    organization_id: int
    users: Numbers[UserDims]
    uses: Numbers[UseDims]

    @classmethod
    def of(cls, organization_id: int) -> "Numbered":
        """An organization's, none of them met yet."""
        return cls(
            organization_id, Numbers(organization_id, ClaudeCodeSeries), Numbers(organization_id, ClaudeCodeModelSeries)
        )


def record_days(*, numbered: Numbered, days: Sequence[RecordedDay], run: int, seen_at: datetime) -> Recorded:
    """Replace the records of some days, and write a signed revision for each change that came late.

    Call in a transaction, with the dimensions numbered before it.
    """
    organization, users, uses = numbered.organization_id, numbered.users.of(), numbered.uses.of()
    wanted = {day.day: {users[dims]: tuple(one) for dims, one in day.users.items()} for day in days}
    by_user = store().replace(CLAUDE_CODE_DAY, organization, wanted, (run,))
    wanted = {day.day: {uses[dims]: tuple(one) for dims, one in day.uses.items()} for day in days}
    by_use = store().replace(CLAUDE_CODE_USE, organization, wanted, (run,))
    late = [day.day for day in days if day.revises]
    store().append(
        CLAUDE_CODE_DAY_REVISION,
        [
            (organization, day, series, *_delta(old, new, 5), old[5] if old else "", seen_at, run)
            for day in late
            for series, old, new in by_user.differences.get(day, ())
        ],
    )
    store().append(
        CLAUDE_CODE_USE_REVISION,
        [
            (organization, day, series, *_delta(old, new, 5), seen_at, run)
            for day in late
            for series, old, new in by_use.differences.get(day, ())
        ],
    )
    return Recorded(by_user.rows + by_use.rows, frozenset({*by_user.differences, *by_use.differences}))


def _delta(old: Row | None, new: Row | None, count: int) -> Row:
    before, after = old or (0,) * count, new or (0,) * count
    return tuple(late - early for early, late in zip(before[:count], after[:count], strict=True))


@dataclass(frozen=True, slots=True)
class UserDay:
    """Somebody's day with Claude Code, and what each model did of it.

    Shape: `tools` maps a name to (accepted, rejected); `uses` maps (model, currency) to its use.
    """

    day: date
    user: UserDims
    metrics: Metrics
    tools: Mapping[str, tuple[int, int]]
    uses: Mapping[tuple[str, str], Use]


def user_days(*, organization_id: int, since: date, until: date) -> tuple[UserDay, ...]:
    """Every record of [since, until) by day and user. The estimates in it are the vendor's, and no cost of ours."""
    within = {"day__gte": since, "day__lt": until, "series__organization": organization_id}
    dims = tuple(f"series__{name}" for name in UserDims._fields)
    uses: dict[tuple[date, UserDims], dict[tuple[str, str], Use]] = {}
    for day, model, currency, *rest in ClaudeCodeUse.objects.filter(**within).values_list(
        "day", "series__model", "series__currency", *dims, *Use._fields
    ):
        whose = uses.setdefault((day, UserDims(*rest[: len(dims)])), {})
        whose[model, currency] = Use(*rest[len(dims) :])
    found = []
    for day, *rest in ClaudeCodeDay.objects.filter(**within).values_list("day", *dims, *Metrics._fields):
        user, metrics = UserDims(*rest[: len(dims)]), Metrics(*rest[len(dims) :])
        tools = {name: (taken, refused) for name, (taken, refused) in json.loads(metrics.tool_actions).items()}
        found.append(UserDay(day, user, metrics, tools, uses.get((day, user), {})))
    return tuple(sorted(found, key=lambda one: (one.day, one.user)))
