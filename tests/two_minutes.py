"""A pool that runs hot, small enough to be worked by hand: two workspaces and the default one, two minutes.

| minute | search-prod, key-1 | batch-jobs, key-2 | Default, Console | in all |
|---|---|---|---|---|
| 14:00 | 600 input, 100 output | 100 input, 900 reads, 50 output | 200 input | 900 of 1,000 |
| 14:01 | 400 input | | | 400 |
"""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, RateLimit, RateLimitGroup, Reading, Workspace
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.limit_hours import make_hours
from costwatch.ledger.minutes import record_minutes

INPUT, OUTPUT = "input_tokens_per_minute_cache_aware", "output_tokens_per_minute"
OPUS, GROUP = "claude-opus-5-5", "rlg_opus"
FIRST, SECOND = datetime(2026, 11, 20, 14, 0, tzinfo=UTC), datetime(2026, 11, 20, 14, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)


def dims(workspace: str, key: str, model: str = OPUS, tier: str = "standard") -> UsageDims:
    return UsageDims(key, workspace, model, tier, speed="standard")


def counts(uncached: int, output: int = 0, *, reads: int = 0, writes: int = 0) -> Counts:
    return (uncached, writes, 0, reads, output, 0)


def record(organization: Organization, minutes: dict[datetime, dict[UsageDims, Counts]]) -> None:
    """Minutes as ingestion records them, with the figures of their hours."""
    interned = Interned(organization.pk)
    for facts in minutes.values():
        interned.usage(facts)
    with transaction.atomic():
        record_minutes(interned=interned, minutes=minutes)
    make_hours(organization, {clock.floor_hour(minute): "now" for minute in minutes})


def limit(organization: Organization, limiter: str, value: int | None, workspace: str = "") -> RateLimit:
    return RateLimit.objects.create(
        **_seen(organization),
        group=GROUP,
        workspace_key=workspace,
        limiter=limiter,
        value=value,
        source="workspace" if workspace else "organization",
    )


def make_two_minutes(organization: Organization) -> Organization:
    """The pool above, with 1,000 tokens of input and 500 of output a minute for the organization."""
    seen = _seen(organization)
    for key, external, name in (
        ("wrkspc_1", "wrkspc_1", "search-prod"),
        ("wrkspc_2", "wrkspc_2", "batch-jobs"),
        ("default", "wrkspc_0", "Default"),
    ):
        Workspace.objects.create(**seen, key=key, external_id=external, name=name)
    for key, name, workspace in (("key-1", "search-main", "wrkspc_1"), ("key-2", "jobs-main", "wrkspc_2")):
        ApiKey.objects.create(**seen, external_id=key, name=name, status="active", workspace_key=workspace)
    RateLimitGroup.objects.create(
        **seen, external_id=GROUP, entry_id="rl_1", kind="model_group", name="Claude Opus 5.x", model_names=[OPUS]
    )
    for kind in ("rate_limit", "rate_limit_group"):
        Reading.objects.create(organization=organization, kind=kind, first_read_at=LONG_AGO, last_read_at=clock.now())
    limit(organization, INPUT, 1000)
    limit(organization, OUTPUT, 500)
    record(
        organization,
        {
            FIRST: {
                dims("wrkspc_1", "key-1"): counts(600, 100),
                dims("wrkspc_2", "key-2"): counts(100, 50, reads=900),
                dims("default", "console"): counts(200),
            },
            SECOND: {dims("wrkspc_1", "key-1"): counts(400)},
        },
    )
    return organization


def _seen(organization: Organization) -> dict[str, Any]:
    return {"organization": organization, "first_seen_at": LONG_AGO, "last_seen_at": clock.now()}
