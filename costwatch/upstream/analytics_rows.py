"""What the rows of the analytics say: counts with requests, and amounts with list amounts, by their dimensions."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import msgspec

from costwatch.upstream.cost import AMOUNT, KNOWN_COST_TYPES, METER_OF_TOKEN_TYPE
from costwatch.upstream.lenient import Rows, rows_of
from costwatch.upstream.pages import Bucket
from costwatch.upstream.usage import KNOWN_VALUES, Count, Counts, Rejected

L = TypeVar("L")
# What an actor of each kind is known by. Its name and e-mail may change, so that they are no part of who it is.
ID_OF_ACTOR = {"user_actor": "user_id", "service_account_actor": "service_account_id", "api_actor": "api_key_id"}
KNOWN_ACTORS: frozenset[str | None] = frozenset({"", "federated_actor", *ID_OF_ACTOR})
_COST_TYPES: frozenset[str | None] = frozenset({None, *KNOWN_COST_TYPES})
_TOKEN_TYPES: frozenset[str | None] = frozenset({None, *METER_OF_TOKEN_TYPE})
_CURRENCIES: frozenset[str | None] = frozenset({"USD"})


class _Group(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Every dimension there is; those that were not asked for are null."""

    actor: dict[str, object] | None = None
    actor_type: str | None = None
    agent_id: str | None = None
    api_key_id: str | None = None
    claude_tag_category: str | None = None
    claude_tag_user_id: str | None = None
    context_window: str | None = None
    deployment_id: str | None = None
    environment_id: str | None = None
    inference_geo: str | None = None
    model: str | None = None
    organization_id: str | None = None
    product: str | None = None
    rbac_group_id: str | None = None
    service_tier: str | None = None
    session_id: str | None = None
    slack_channel_id: str | None = None
    speed: str | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    cost_type: str | None = None
    token_type: str | None = None


class _CacheCreation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ephemeral_1h_input_tokens: Count
    ephemeral_5m_input_tokens: Count


class _ServerToolUse(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    web_search_requests: Count


class _Usage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    cache_creation: _CacheCreation
    cache_read_input_tokens: Count
    output_tokens: Count
    requests: Count | None = None
    server_tool_use: _ServerToolUse
    total_tokens: Count | None = None
    uncached_input_tokens: Count


class _Cost(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    amount: str
    currency: str
    list_amount: str
    requests: Count | None = None


class _UsageRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    starting_at: str
    ending_at: str
    group: _Group
    usage: _Usage


class _CostRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    starting_at: str
    ending_at: str
    group: _Group
    cost: _Cost


class Place(NamedTuple):
    """Whose a row is. An actor nobody could be named for has neither type nor id."""

    api_key_id: str | None
    actor_type: str
    actor_id: str
    workspace_id: str | None
    model: str | None
    service_tier: str | None


class UsageLine(NamedTuple):
    """One row of usage: six counts in the order of the meters, and requests where the vendor counts them."""

    place: Place
    counts: Counts
    requests: int | None


class CostLine(NamedTuple):
    """One row of cost: what is paid after discounts, and what it would be at list, as the vendor wrote it (cents)."""

    place: Place
    cost_type: str | None
    token_type: str | None
    currency: str
    amount_cents: str
    list_cents: str


@dataclass(slots=True)
class Parsed(Generic[L]):
    """A day's lines, what could not be recorded, and what this version had not met before."""

    lines: list[L] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)


def parse_usage(bucket: Bucket) -> Parsed[UsageLine]:
    """Decode a day of usage."""
    rows = rows_of(bucket, _UsageRow)
    lines: list[UsageLine] = []
    for row, _ in rows.good:
        used = row.usage
        counts = (
            used.uncached_input_tokens,
            used.cache_creation.ephemeral_5m_input_tokens,
            used.cache_creation.ephemeral_1h_input_tokens,
            used.cache_read_input_tokens,
            used.output_tokens,
            used.server_tool_use.web_search_requests,
        )
        if used.total_tokens not in (None, sum(counts[:5])):
            rows.novelties["usage.total_tokens (is not the sum of what is counted)", ""] += 1
        lines.append(UsageLine(_place(row.group, rows), counts, used.requests))
    return Parsed(lines, rows.rejected, rows.novelties)


def parse_cost(bucket: Bucket) -> Parsed[CostLine]:
    """Decode a day of cost. A row with an amount that is not a plain decimal is kept aside, never read as 0."""
    rows = rows_of(bucket, _CostRow)
    lines: list[CostLine] = []
    for row, raw in rows.good:
        if reason := _wrong(row.cost):
            rows.reject(reason, raw)
            continue
        group, cost = row.group, row.cost
        rows.note("group.cost_type", group.cost_type, _COST_TYPES)
        rows.note("group.token_type", group.token_type, _TOKEN_TYPES)
        rows.note("cost.currency", cost.currency, _CURRENCIES)
        token_type = METER_OF_TOKEN_TYPE.get(group.token_type or "", group.token_type)
        place = _place(group, rows)
        lines.append(CostLine(place, group.cost_type, token_type, cost.currency, cost.amount, cost.list_amount))
    return Parsed(lines, rows.rejected, rows.novelties)


def _wrong(cost: _Cost) -> str:
    for name, amount in (("amount", cost.amount), ("list_amount", cost.list_amount)):
        if not AMOUNT.fullmatch(amount):
            return f"{amount[:60]!r} is not a decimal amount in cents - at `$.cost.{name}`"
    if not re.fullmatch("[A-Z]{3}", cost.currency):
        return f"{cost.currency[:20]!r} is not a currency - at `$.cost.currency`"
    return ""


def _place(group: _Group, rows: Rows[_UsageRow] | Rows[_CostRow]) -> Place:
    kind, identity = _actor(group.actor)
    rows.note("group.actor.type", kind, KNOWN_ACTORS)
    rows.note("group.service_tier", group.service_tier, KNOWN_VALUES["service_tier"])
    return Place(group.api_key_id, kind, identity, group.workspace_id, group.model, group.service_tier)


def _actor(actor: dict[str, object] | None) -> tuple[str, str]:
    """The kind and the id of an actor. One of a kind without an id of ours is known by all it says."""
    if actor is None:
        return "", ""
    kind = str(actor.get("type", ""))
    identity = actor.get(ID_OF_ACTOR.get(kind, ""))
    if isinstance(identity, str) and identity:
        return kind, identity
    rest = {name: value for name, value in sorted(actor.items()) if name != "type"}
    return kind, msgspec.json.encode(rest, order="deterministic").decode()
