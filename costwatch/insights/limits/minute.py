"""What one minute was made of: which workspace, key and model used how much of a group's limits."""

from dataclasses import dataclass
from datetime import datetime

from costwatch import clock
from costwatch.directory.limits import limits_at
from costwatch.directory.models import Organization
from costwatch.insights.limits.draws import draws
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import LIMITERS, READS_COUNT, Use, limiters_of
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
    limits = limits_at(organization, min(clock.floor_hour(minute) + clock.HOUR, clock.now()))
    count = limiters_of(key.pool, [limiter]).get(limiter, LIMITERS["output_tokens_per_minute"])
    facts = MinuteFact.objects.filter(minute=minute, series__organization=organization)
    if key.workspace_key:
        facts = facts.filter(series__workspace_id=key.workspace_key)
    found: dict[tuple[str, str, str], tuple[int, int, int, int]] = {}
    for one in draws(facts, limits):
        if (one.group_id, one.pool) == (key.group_id, key.pool):
            who = one.workspace_key, one.api_key_id, one.model
            uncached, writes, reads, output = found.get(who, (0, 0, 0, 0))
            found[who] = uncached + one.uncached, writes + one.writes, reads + one.reads, output + one.output
    made = [
        Contribution(
            workspace,
            api_key,
            model,
            uncached,
            writes,
            reads,
            output,
            count(Use(uncached + writes, reads if model.startswith(READS_COUNT) else 0, output)),
        )
        for (workspace, api_key, model), (uncached, writes, reads, output) in found.items()
    ]
    value = next(
        (one.value for one in limits.of(key.workspace_key) if (one.group.id, one.limiter) == (key.group_id, limiter)),
        None,
    )
    ordered = sorted(made, key=lambda one: (-one.counted, one.workspace_key, one.api_key_id, one.model))
    return Minute(minute, limiter, value, tuple(ordered))
