"""What one minute was made of: which workspace, key and model used how much of a group's limits."""

from dataclasses import dataclass
from datetime import datetime

from costwatch import clock
from costwatch.directory.limits import Limits
from costwatch.directory.models import Organization
from costwatch.ingest.minutes import is_read
from costwatch.insights.limits.draws import Drawn, draws
from costwatch.insights.limits.lines import LineKey
from costwatch.ledger.limit_figures import LIMITED_POOLS, limiters_of
from costwatch.ledger.limit_hours import LimitHistory
from costwatch.ledger.models import MinuteFact
from costwatch.ledger.partitions import oldest_kept


@dataclass(frozen=True, slots=True)
class Contribution(Drawn):
    """What one key used of one model in a minute; `counted` is what the limiter counts of it."""

    counted: int


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of a line. `limit` is what was in force then, `limit_now` what is; contributions largest first.

    `is_read`: somebody has read it; `is_kept`: what was read of its day is still there.
    """

    minute: datetime
    limiter: str
    limit: int | None
    limit_now: int | None
    contributions: tuple[Contribution, ...]
    is_read: bool
    is_kept: bool

    @property
    def total(self) -> int:
        return sum(one.counted for one in self.contributions)


def minute_of(organization: Organization, key: LineKey, limiter: str, minute: datetime) -> Minute:
    """Everything that drew from a line's pool in one minute, counted by a limiter that its pool is held against."""
    history, moment = LimitHistory(organization), clock.now()
    now, then = history.now(), history.at(min(minute + clock.MINUTE, moment))
    # Which models a group has is taken from the end of the hour, as in the figures that are made of it.
    limits = history.at(min(clock.floor_hour(minute) + clock.HOUR, moment))
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
    return Minute(
        minute=minute,
        limiter=limiter,
        limit=_limit(then if key.group_id in then.groups else limits, key, limiter),
        limit_now=_limit(now, key, limiter),
        contributions=tuple(ordered),
        is_read=bool(ordered) or is_read(organization.pk, minute),
        is_kept=bool(ordered) or minute.date() >= oldest_kept(clock.today()),
    )


def _limit(limits: Limits, key: LineKey, limiter: str) -> int | None:
    """What a line was held against; batches and priority have no limit by the minute."""
    if key.pool not in LIMITED_POOLS:
        return None
    of_line = (one for one in limits.of(key.workspace_key) if (one.group.id, one.limiter) == (key.group_id, limiter))
    return next((one.value for one in of_line), None)
