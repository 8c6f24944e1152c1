"""Reading a question to the analytics reports as strictly as the vendor does."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from costwatch.upstream.sandbox.buckets import DAY, HOUR, MINUTE, moment_of, seconds
from costwatch.upstream.sandbox.query import Query, bad
from costwatch.upstream.sandbox.usage import TIERS

BETA = "analytics-usage-cost-2026-08-24"
FIRST_DAY = "2026-01-01T00:00:00Z"
FIRST = 1_767_225_600
WIDTHS = {"1d": DAY, "1h": HOUR, "1m": MINUTE}
DIMENSIONS = (
    "actor",
    "actor_type",
    "agent_id",
    "api_key_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "context_window",
    "deployment_id",
    "environment_id",
    "inference_geo",
    "model",
    "organization_id",
    "product",
    "rbac_group_id",
    "service_tier",
    "session_id",
    "slack_channel_id",
    "speed",
    "user_profile_id",
    "workspace_id",
)
# A row is divided by these without counting as several.
FAN_OUT = ("cost_type", "token_type")
ACTOR_TYPES = ("user_actor", "service_account_actor", "federated_actor", "api_actor")
# Filter parameter -> dimension and, where the vendor has a closed list, its values.
FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "actor_ids[]": ("actor_id", ()),
    "actor_types[]": ("actor_type", ACTOR_TYPES),
    "agent_ids[]": ("agent_id", ()),
    "api_key_ids[]": ("api_key_id", ()),
    "context_windows[]": ("context_window", ("0-200k", "200k-1M")),
    "deployment_ids[]": ("deployment_id", ()),
    "environment_ids[]": ("environment_id", ()),
    "inference_geos[]": ("inference_geo", ("global", "us", "not_available")),
    "models[]": ("model", ()),
    "organization_ids[]": ("organization_id", ()),
    "products[]": ("product", ()),
    "rbac_group_ids[]": ("rbac_group_id", ()),
    "service_tiers[]": ("service_tier", TIERS),
    "session_ids[]": ("session_id", ()),
    "speeds[]": ("speed", ("standard", "fast")),
    "user_profile_ids[]": ("user_profile_id", ()),
    "workspace_ids[]": ("workspace_id", ()),
}
USAGE_ORDERS = ("total_tokens", "output_tokens", "requests", "time", "uncached_input_tokens")
COST_ORDERS = ("amount", "list_amount", "time")
SINGLE = ("starting_at", "ending_at", "time_bucket_width", "order_by", "order", "limit", "page")
MANY = ("group_by[]", *FILTERS)
Values = Mapping[str, Hashable]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Units: seconds since 1970; `width` is None for one row a group over the whole range."""

    start: int
    end: int
    width: int | None
    groups: tuple[str, ...]
    fan_out: tuple[str, ...]
    filters: tuple[tuple[str, frozenset[str | None]], ...]
    order_by: str
    descending: bool
    limit: int

    def takes(self, values: Values) -> bool:
        """Whether something passes the filters."""
        return all(values[name] in allowed for name, allowed in self.filters)


def read_question(query: Query, now: int, *, is_cost: bool) -> Question:
    """The question of a request. Raises: Rejection."""
    if BETA not in query.betas:
        raise bad(f"This endpoint requires the anthropic-beta header '{BETA}'.")
    known = (*DIMENSIONS, *FAN_OUT) if is_cost else DIMENSIONS
    wanted = tuple(dict.fromkeys(query.choices("group_by[]", known)))
    groups = tuple(name for name in wanted if name not in FAN_OUT)
    if len(groups) > 5:
        raise bad("Cannot specify more than 5 group_by[] dimensions, not counting cost_type and token_type.")
    start, end, width = _span(query, now)
    orders = COST_ORDERS if is_cost else USAGE_ORDERS
    return Question(
        start,
        end,
        width,
        groups,
        tuple(name for name in FAN_OUT if name in wanted),
        _filters(query),
        query.choice("order_by", orders, orders[0]),
        query.choice("order", ("asc", "desc"), "desc") == "desc",
        query.limit(20, 1000),
    )


def _span(query: Query, now: int) -> tuple[int, int, int | None]:
    asked, ending = query.moment("starting_at"), query.moment("ending_at")
    name = query.choice("time_bucket_width", tuple(WIDTHS), "") if query.one("time_bucket_width") is not None else ""
    if asked is None:
        raise bad("starting_at: Field required")
    start = seconds(asked)
    if start < max(FIRST, now - 365 * DAY):
        raise bad(f"starting_at: must be within the last 365 days and not before {FIRST_DAY}")
    if ending is None:
        if name:
            raise bad("ending_at: Field required when time_bucket_width is set")
        ending = moment_of(min(now, start + 31 * DAY))
    end = seconds(ending)
    if end <= start:
        raise bad("ending_at: must be after starting_at")
    if end - start > (DAY if name == "1m" else 31 * DAY):
        raise bad(f"ending_at: the range spans at most {'24 hours' if name == '1m' else '31 days'}")
    step = WIDTHS.get(name, HOUR)
    return start // step * step, -(-end // step) * step if name else end // step * step, WIDTHS.get(name)


def _filters(query: Query) -> tuple[tuple[str, frozenset[str | None]], ...]:
    filters: list[tuple[str, frozenset[str | None]]] = []
    for parameter, (dimension, allowed) in FILTERS.items():
        values: set[str | None] = set(query.choices(parameter, allowed) if allowed else query.all(parameter))
        if not values:
            continue
        # An empty key stands for what no key authenticated, and this geography for one that is not set.
        if (dimension == "api_key_id" and "" in values) or (dimension == "inference_geo" and "not_available" in values):
            values.add(None)
        filters.append((dimension, frozenset(values)))
    return tuple(filters)
