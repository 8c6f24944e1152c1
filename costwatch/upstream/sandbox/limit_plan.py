"""What the sandbox organization is allowed: rate limits by group, what workspaces have set, and limits on spend.

Everything here is data. Days are offsets from the anchor day. The limits fit what the teams use: at its busiest minute
the largest workspace is between 60 and 97 % of several of them.
"""

from dataclasses import dataclass

from costwatch.upstream.sandbox.scenario import LAUNCH

EVER = -100_000
TIER_UP, REGROUPED = -6, -9
Steps = tuple[tuple[int, int | None], ...]
RPM, ITPM, CACHE_AWARE = "requests_per_minute", "input_tokens_per_minute", "input_tokens_per_minute_cache_aware"
OTPM, TPM, TPD = "output_tokens_per_minute", "tokens_per_minute", "tokens_per_day"
FAST_IN, FAST_OUT = "fast_itpmca", "fast_otpm"
QUEUED, TOOLS = "enqueued_batch_requests", "tool_uses_per_second"


def always(value: int | None) -> Steps:
    """A value that never changes."""
    return ((EVER, value),)


def on(steps: Steps, day: int) -> int | None:
    """The value in force on a day, None before the first."""
    value = None
    for since, step in steps:
        if since <= day:
            value = step
    return value


@dataclass(frozen=True, slots=True)
class Membership:
    """A model in a group. Units: days from the anchor; `until` exclusive."""

    model: str
    since: int = EVER
    until: int = 100_000


@dataclass(frozen=True, slots=True)
class Group:
    """A set of limits, and the models it is about."""

    label: str
    kind: str
    limits: dict[str, Steps]
    display: str = ""
    models: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """A workspace's own value for one limiter of a group; None where it has none."""

    team: str
    group: str
    limiter: str
    steps: Steps


@dataclass(frozen=True, slots=True)
class Spend:
    """A limit on spend. Units: cents; None is no numeric cap."""

    label: str
    scope: str
    period: str
    steps: Steps
    team: str = ""
    made: int = -100


def _members(*names: str) -> tuple[Membership, ...]:
    return tuple(map(Membership, names))


GROUPS = (
    Group(
        "opus-5",
        "model_group",
        {
            RPM: always(4000),
            CACHE_AWARE: ((EVER, 2_000_000), (TIER_UP, 2_200_000)),
            OTPM: always(600_000),
            FAST_IN: always(200_000),
            FAST_OUT: always(40_000),
        },
        "Claude Opus 5.x",
        (Membership("claude-opus-5", REGROUPED), Membership("claude-opus-5-5"), Membership("claude-opus-4-8", 2)),
    ),
    Group(
        "opus-4",
        "model_group",
        {RPM: always(2000), CACHE_AWARE: always(500_000), OTPM: always(100_000), TPM: always(5_000_000)},
        "Claude Opus 4.x",
        (
            *_members("claude-opus-4-20250514", "claude-opus-4-1-20250805", "claude-opus-4-5-20251101"),
            *_members("claude-opus-4-6", "claude-opus-4-7"),
            Membership("claude-opus-4-8", until=2),
            Membership("claude-opus-5", until=REGROUPED),
        ),
    ),
    Group(
        "sonnet-5",
        "model_group",
        {RPM: always(4000), CACHE_AWARE: ((EVER, 2_500_000), (1, 3_000_000)), OTPM: always(800_000)},
        "Claude Sonnet 5.x",
        _members("claude-sonnet-5", "claude-sonnet-5-5"),
    ),
    Group(
        "sonnet-4",
        "model_group",
        {RPM: always(2000), CACHE_AWARE: always(450_000), OTPM: always(80_000)},
        "Claude Sonnet 4.x",
        _members("claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929", "claude-sonnet-4-6"),
    ),
    Group(
        "haiku-5",
        "model_group",
        {RPM: always(10_000), CACHE_AWARE: always(4_000_000), OTPM: always(500_000)},
        "Claude Haiku 5.x",
        _members("claude-haiku-5-5"),
    ),
    # Cache reads count here.
    Group(
        "haiku-4",
        "model_group",
        {RPM: always(4000), ITPM: always(1_500_000), OTPM: always(100_000)},
        "Claude Haiku 4.x",
        _members("claude-haiku-4-5-20251001"),
    ),
    Group(
        "fable-5",
        "model_group",
        {RPM: always(1000), CACHE_AWARE: always(500_000), OTPM: always(80_000), TPD: always(80_000_000)},
        "Claude Fable 5.x",
        _members("claude-fable-5", "claude-fable-5-1", "claude-fable-5-2"),
    ),
    Group("batch", "batch", {RPM: always(4000), QUEUED: always(500_000)}),
    Group("token_count", "token_count", {RPM: always(8000)}),
    Group("files", "files", {RPM: always(500), "storage_gigabytes": always(500)}),
    Group("skills", "skills", {RPM: always(100)}),
    Group("web_search", "web_search", {TOOLS: ((EVER, 30), (TIER_UP, 40))}),
    # No documented type: types may be added at any time.
    Group("streams", "live_stream", {"concurrent_streams": always(25)}),
)
OVERRIDES = (
    Override("search-prod", "opus-5", CACHE_AWARE, ((EVER, 1_200_000), (LAUNCH, 1_650_000))),
    Override("search-prod", "opus-5", OTPM, ((LAUNCH, 500_000), (4, 520_000))),
    Override("search-prod", "opus-5", FAST_IN, always(150_000)),
    Override("search-prod", "haiku-5", CACHE_AWARE, always(3_400_000)),
    # Above what the organization has: stored, and of no effect.
    Override("support-bot", "sonnet-5", CACHE_AWARE, always(3_500_000)),
    Override("support-bot", "sonnet-5", OTPM, always(680_000)),
    Override("code-review", "opus-5", CACHE_AWARE, ((EVER, 1_100_000), (5, None))),
    Override("evals", "opus-5", CACHE_AWARE, always(900_000)),
    Override("research", "fable-5", RPM, ((3, 400),)),
    # The organization has no such limit.
    Override("research", "opus-5", TPD, always(120_000_000)),
    Override("nightly-batch", "batch", QUEUED, always(200_000)),
)
SPEND = (
    Spend("playground", "workspace", "daily", ((EVER, 5_000), (1, 7_500)), "playground", -30),
    Spend("evals", "workspace", "monthly", always(None), "evals", -60),
    Spend("research", "workspace", "weekly", always(1_500_000), "research", -90),
    Spend("search-prod", "workspace", "monthly", ((EVER, 15_000_000), (LAUNCH, 25_000_000)), "search-prod", -120),
    Spend("organization", "organization", "monthly", always(45_000_000), made=-300),
    Spend("tier", "usage_tier", "monthly", ((EVER, 50_000_000), (TIER_UP, 60_000_000)), made=-900),
)
