"""What one minute was made of: which workspace, key and model used how much of a group's limits."""

from dataclasses import dataclass
from datetime import datetime

from costwatch import clock
from costwatch.directory.limits import Limits, limits_now, limits_then
from costwatch.directory.models import Organization
from costwatch.insights.limits.draws import Drawn, draws
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import LIMITED_POOLS, limiters_of
from costwatch.ledger.models import MinuteFact


@dataclass(frozen=True, slots=True)
class Contribution(Drawn):
    """What one key used of one model in a minute; `counted` is what the limiter counts of it."""

    counted: int


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of a line. `limit` is what was in force then, `limit_now` what is; contributions largest first."""

    minute: datetime
    limiter: str
    limit: int | None
    limit_now: int | None
    contributions: tuple[Contribution, ...]

    @property
    def total(self) -> int:
        return sum(one.counted for one in self.contributions)


def minute_of(organization: Organization, key: LineKey, limiter: str, minute: datetime) -> Minute:
    """Everything that drew from a line's pool in one minute, counted by a limiter that its pool is held against."""
    now = limits_now(organization)
    limits = limits_then(organization, min(clock.floor_hour(minute) + clock.HOUR, clock.now()), now)
    count = limiters_of(key.pool, [limiter])[limiter]
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
    ordered = sorted(made, key=lambda one: (-one.counted, one.workspace_key, one.api_key_id, one.model))
    return Minute(minute, limiter, _limit(limits, key, limiter), _limit(now, key, limiter), tuple(ordered))


def _limit(limits: Limits, key: LineKey, limiter: str) -> int | None:
    """What a line was held against; batches and priority have no limit by the minute."""
    if key.pool not in LIMITED_POOLS:
        return None
    of_line = (one for one in limits.of(key.workspace_key) if (one.group.id, one.limiter) == (key.group_id, limiter))
    return next((one.value for one in of_line), None)
