"""Pages of the usage report as a company's organization would get them, made from a seed.

A series is one combination of key, workspace, model, tier and geography; traffic over series is uneven, most keys are
quiet, a few are busy. Every count is drawn anew for every hour.
"""

from __future__ import annotations

import json
import random
import string
from datetime import UTC, datetime, timedelta

Series = tuple[str | None, str | None, str, str, str]

START = datetime(2026, 10, 1, tzinfo=UTC)
MODELS = (
    "claude-opus-5-5",
    "claude-opus-4-8",
    "claude-sonnet-5-5",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-6",
    "claude-opus-4-5-20251101",
)
WEIGHTS = (18, 10, 26, 18, 6, 16, 4, 2)
# The fields in the order of the vendor's newest reference page.
ROW = (
    '{"account_id":null,"api_key_id":%s,"cache_creation":{"ephemeral_1h_input_tokens":%d,"ephemeral_5m_input_tokens":%d},'
    '"cache_read_input_tokens":%d,"context_window":null,"inference_geo":%s,"model":%s,"output_tokens":%d,'
    '"server_tool_use":{"web_search_requests":%d},"service_account_id":null,"service_tier":%s,'
    '"uncached_input_tokens":%d,"workspace_id":%s}'
)


def series(count: int = 2000, *, keys: int = 400, workspaces: int = 30, seed: int = 7) -> list[Series]:
    """Distinct series of an organization."""
    chance = random.Random(seed)
    spaces: list[str | None] = [_identity("wrkspc_", chance) for _ in range(workspaces - 1)] + [None]
    owned = [(_identity("apikey_", chance), spaces[min(int(chance.expovariate(6 / workspaces)), workspaces - 1)])
             for _ in range(keys)]  # fmt: skip
    made: dict[Series, None] = {}
    while len(made) < count:
        key, space = owned[min(int(chance.expovariate(5 / keys)), keys - 1)]
        model = chance.choices(MODELS, WEIGHTS)[0]
        tier = chance.choices(("standard", "batch", "priority"), (80, 15, 5))[0]
        made[key, space, model, tier, chance.choices(("global", "us"), (85, 15))[0]] = None
    return list(made)


def page(buckets: int = 168, low: int = 50, high: int = 500, *, seed: int = 1, start: datetime = START) -> bytes:
    """One page of hours with `low` to `high` rows each."""
    chance = random.Random(seed)
    known = [tuple(json.dumps(value) for value in one) for one in series()]
    hours = []
    for hour in range(buckets):
        rows = []
        for key, space, model, tier, geo in chance.sample(known, min(len(known), chance.randint(low, high))):
            uncached, hourly, short, cached, output, searches = counts(chance)
            rows.append(ROW % (key, hourly, short, cached, geo, model, output, searches, tier, uncached, space))
        begins = start + timedelta(hours=hour)
        span = f'"starting_at":"{_told(begins)}","ending_at":"{_told(begins + timedelta(hours=1))}"'
        hours.append(f'{{{span},"results":[{",".join(rows)}]}}')
    return f'{{"data":[{",".join(hours)}],"has_more":false,"next_page":null}}'.encode()


def counts(chance: random.Random) -> tuple[int, int, int, int, int, int]:
    """Six counts in the order of a row: uncached, written for an hour, for five minutes, read, output, searches."""
    draw = chance.random
    size = int(draw() ** 4 * 2_000_000) + 40
    return (
        size,
        int(size * 0.1 * draw()),
        int(size * draw()),
        int(size * 4 * draw()),
        int(size * 0.3 * draw()),
        int(draw() * 3),
    )


def _identity(prefix: str, chance: random.Random) -> str:
    return f"{prefix}01{''.join(chance.choices(string.ascii_letters + string.digits, k=22))}"


def _told(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
