"""What one minute was made of: which workspace, key and model used how much of a group's limits."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import LIMITERS, READS_COUNT, Use, limiters_of, pool_of
from costwatch.ledger.limit_hours import LimitHistory, group_for
from costwatch.ledger.models import MinuteFact


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one key used of one model in a minute. Units: tokens; `counted` is what the limiter counts of them."""

    workspace_key: str
    api_key_id: str
    model: str
    uncached: int
    writes: int
    reads: int
    output: int
    counted: int


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of a line. `limit` is what was in force then; contributions largest first."""

    minute: datetime
    limiter: str
    limit: int | None
    contributions: tuple[Contribution, ...]

    @property
    def total(self) -> int:
        return sum(one.counted for one in self.contributions)


def minute_of(organization: Organization, key: LineKey, limiter: str, minute: datetime) -> Minute:
    """Everything that drew from a line's pool in one minute."""
    limits = LimitHistory(organization).at(min(clock.floor_hour(minute) + clock.HOUR, clock.now()))
    count = limiters_of(key.pool, [limiter]).get(limiter, LIMITERS["output_tokens_per_minute"])
    rows = MinuteFact.objects.filter(minute=minute, series__organization=organization)
    if key.workspace_key:
        rows = rows.filter(series__workspace_id=key.workspace_key)
    sums = (
        rows.values_list(
            "series__workspace_id",
            "series__api_key_id",
            "series__model",
            "series__service_tier",
            "series__speed",
        )
        .annotate(
            Sum("uncached_input_tokens"),
            Sum("ephemeral_5m_input_tokens"),
            Sum("ephemeral_1h_input_tokens"),
            Sum("cache_read_input_tokens"),
            Sum("output_tokens"),
        )
        .order_by()
    )
    found: dict[tuple[str, str, str], list[int]] = {}
    for workspace, api_key, model, tier, speed, *counts in sums:
        if pool_of(tier, speed) == key.pool and group_for(model, limits).id == key.group_id:
            before = found.setdefault((workspace, api_key, model), [0] * len(counts))
            found[workspace, api_key, model] = [one + int(more) for one, more in zip(before, counts, strict=True)]
    made = [
        Contribution(
            workspace,
            api_key,
            model,
            uncached,
            five + hour,
            reads,
            output,
            count(Use(uncached + five + hour, reads if model.startswith(READS_COUNT) else 0, output)),
        )
        for (workspace, api_key, model), (uncached, five, hour, reads, output) in found.items()
    ]
    value = next(
        (one.value for one in limits.of(key.workspace_key) if (one.group.id, one.limiter) == (key.group_id, limiter)),
        None,
    )
    ordered = sorted(made, key=lambda one: (-one.counted, one.workspace_key, one.api_key_id, one.model))
    return Minute(minute, limiter, value, tuple(ordered))
