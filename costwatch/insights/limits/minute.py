"""What one minute was made of: which workspace, key and model used how much of a group's limits."""

from dataclasses import dataclass
from datetime import datetime

from costwatch import clock
from costwatch.directory.limits import limits_at
from costwatch.directory.models import Organization
from costwatch.insights.limits.draws import Drawn, draws
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import LIMITERS, limiters_of
from costwatch.ledger.models import MinuteFact


@dataclass(frozen=True, slots=True)
class Contribution(Drawn):
    """What one key used of one model in a minute; `counted` is what the limiter counts of it."""

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
    made = [Contribution(*who, *tokens, count(Drawn(*who, *tokens).use)) for who, tokens in found.items()]
    value = next(
        (one.value for one in limits.of(key.workspace_key) if (one.group.id, one.limiter) == (key.group_id, limiter)),
        None,
    )
    ordered = sorted(made, key=lambda one: (-one.counted, one.workspace_key, one.api_key_id, one.model))
    return Minute(minute, limiter, value, tuple(ordered))
