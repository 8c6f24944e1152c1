"""The Claude Code report: a UTC day of every person and key. Its amounts are the vendor's estimates, not billing.

Source: reference page of usage_report/claude_code (August 2026). One day a request; an estimate is a JSON number in
cents, read as a decimal, never as a float.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from costwatch import clock
from costwatch.upstream.client import AdminClient
from costwatch.upstream.flat import read_flat
from costwatch.upstream.lenient import rows_of
from costwatch.upstream.pages import Bucket, Report, Window, bucket_of
from costwatch.upstream.usage import Count, Rejected

PATH = "/v1/organizations/usage_report/claude_code"
ROW_LIMIT = 1000
KNOWN_CUSTOMERS: frozenset[str | None] = frozenset({"api", "subscription"})
KNOWN_SUBSCRIPTIONS: frozenset[str | None] = frozenset({None, "enterprise", "team"})
_CURRENCIES: frozenset[str | None] = frozenset({"USD"})
# What identifies an actor of each kind.
NAME_OF_ACTOR = {"user_actor": "email_address", "api_actor": "api_key_name"}
_ACTORS: frozenset[str | None] = frozenset(NAME_OF_ACTOR)
# In cents: ten trillion dollars on one line is a mistake.
_TOO_MUCH = Decimal(10) ** 15


class _Actor(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    email_address: str | None = None
    api_key_name: str | None = None


class _Lines(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    added: Count
    removed: Count


class _Metrics(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    commits_by_claude_code: Count
    lines_of_code: _Lines
    num_sessions: Count
    pull_requests_by_claude_code: Count


class _Tokens(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    cache_creation: Count
    cache_read: Count
    input: Count
    output: Count


class _Estimate(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    amount: Decimal
    currency: str


class _Model(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    estimated_cost: _Estimate
    model: str
    tokens: _Tokens


class _Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    accepted: Count
    rejected: Count


class _Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    actor: _Actor
    core_metrics: _Metrics
    customer_type: str
    date: str
    is_remote: bool = False
    model_breakdown: list[_Model]
    organization_id: str | None = None
    subscription_type: str | None = None
    terminal_type: str | None = None
    tool_actions: dict[str, _Tool] = {}


@dataclass(frozen=True, slots=True)
class Use:
    """One model of a record. Units: `estimate` in cents, as the vendor reckons them."""

    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    currency: str
    estimate: Decimal


@dataclass(frozen=True, slots=True)
class Record:
    """What somebody did with Claude Code on a day, at one terminal. `tools`: name -> (accepted, rejected)."""

    actor_type: str
    actor: str
    customer_type: str
    subscription_type: str | None
    terminal_type: str | None
    is_remote: bool
    sessions: int
    lines_added: int
    lines_removed: int
    commits: int
    pull_requests: int
    tools: dict[str, tuple[int, int]]
    uses: tuple[Use, ...]


@dataclass(slots=True)
class Parsed:
    """A day's records, what could not be recorded, and what this version had not met before."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)


def read(client: AdminClient, window: Window, *, limit: int = ROW_LIMIT) -> Report:
    """Every day of a window, a request (and its further pages) each.

    Raises: UpstreamError.
    """
    days: list[Bucket] = []
    largest, start = 0, window.start
    while start < window.end:
        flat = read_flat(client, PATH, [("starting_at", start.date().isoformat()), ("limit", str(limit))])
        days.append(bucket_of(start, start + clock.DAY, flat.rows))
        largest, start = max(largest, flat.largest_page), start + clock.DAY
    return Report(tuple(days), largest)


def parse(bucket: Bucket) -> Parsed:
    """Decode a day's records. One of another day, or with an estimate that is no amount, is kept aside."""
    rows = rows_of(bucket, _Row)
    records: list[Record] = []
    for row, raw in rows.good:
        if reason := _wrong(row, bucket):
            rows.reject(reason, raw)
            continue
        rows.note("actor.type", row.actor.type, _ACTORS)
        rows.note("customer_type", row.customer_type, KNOWN_CUSTOMERS)
        rows.note("subscription_type", row.subscription_type, KNOWN_SUBSCRIPTIONS)
        for one in row.model_breakdown:
            rows.note("model_breakdown[].estimated_cost.currency", one.estimated_cost.currency, _CURRENCIES)
        records.append(_record(row))
    return Parsed(records, rows.rejected, rows.novelties)


def _wrong(row: _Row, bucket: Bucket) -> str:
    try:
        day = clock.parse(row.date)
    except ValueError as error:
        return f"{error} - at `$.date`"
    if not bucket.start <= day < bucket.end:
        return f"{row.date[:40]} is not the day that was asked for - at `$.date`"
    for one in row.model_breakdown:
        estimate = one.estimated_cost
        if not (estimate.amount.is_finite() and abs(estimate.amount) < _TOO_MUCH):
            return f"{str(estimate.amount)[:40]} is no amount - at `$.model_breakdown[].estimated_cost.amount`"
        if not re.fullmatch("[A-Z]{3}", estimate.currency):
            return f"{estimate.currency[:20]!r} is not a currency - at `$.model_breakdown[].estimated_cost.currency`"
    return ""


def _record(row: _Row) -> Record:
    metrics = row.core_metrics
    return Record(
        actor_type=row.actor.type,
        actor=getattr(row.actor, NAME_OF_ACTOR.get(row.actor.type, ""), None) or "",
        customer_type=row.customer_type,
        subscription_type=row.subscription_type,
        terminal_type=row.terminal_type,
        is_remote=row.is_remote,
        sessions=metrics.num_sessions,
        lines_added=metrics.lines_of_code.added,
        lines_removed=metrics.lines_of_code.removed,
        commits=metrics.commits_by_claude_code,
        pull_requests=metrics.pull_requests_by_claude_code,
        tools={name: (tool.accepted, tool.rejected) for name, tool in row.tool_actions.items()},
        uses=tuple(
            Use(
                one.model,
                one.tokens.input,
                one.tokens.output,
                one.tokens.cache_read,
                one.tokens.cache_creation,
                one.estimated_cost.currency,
                one.estimated_cost.amount,
            )
            for one in row.model_breakdown
        ),
    )
