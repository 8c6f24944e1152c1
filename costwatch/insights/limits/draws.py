"""Who drew how much from which pool: usage summed by workspace, key and model, with the group and pool it counts in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from costwatch.directory.limits import Limits
from costwatch.ledger.limit_figures import READS_COUNT, Use, pool_of
from costwatch.ledger.limit_hours import group_for
from costwatch.ledger.models import Fact, MinuteFact, Series

DIMS = ("workspace_id", "api_key_id", "model", "service_tier", "speed")
SUMS = tuple(
    Sum(name)
    for name in (
        "uncached_input_tokens",
        "ephemeral_5m_input_tokens",
        "ephemeral_1h_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
    )
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one key used of one model. Units: tokens."""

    workspace_key: str
    api_key_id: str
    model: str
    uncached: int
    writes: int
    reads: int
    output: int

    @property
    def use(self) -> Use:
        """What of it counts against limits."""
        return Use(self.uncached + self.writes, self.reads if self.model.startswith(READS_COUNT) else 0, self.output)


@dataclass(frozen=True, slots=True)
class Draw(Drawn):
    """What was drawn from the pool of a group; one key, model and pool may come more than once."""

    group_id: str
    pool: str


def draws(facts: QuerySet[Fact] | QuerySet[MinuteFact], limits: Limits) -> Iterator[Draw]:
    """What was drawn from every group's pools in some hours or minutes."""
    sums = facts.values_list(*(f"series__{name}" for name in DIMS)).annotate(*SUMS).order_by()
    return _draws(((row[: len(DIMS)], row[len(DIMS) :]) for row in sums), limits)


def draws_of(series: QuerySet[Series], facts: QuerySet[Fact], limits: Limits) -> Iterator[Draw]:
    """The same of some series: those are few, and by their number facts are summed sooner than by what they are of."""
    whose = {number: dims for number, *dims in series.values_list("pk", *DIMS)}
    sums = facts.filter(series_id__in=list(whose)).values_list("series_id").annotate(*SUMS).order_by()
    return _draws(((whose[number], counts) for number, *counts in sums), limits)


def _draws(sums: Iterable[tuple[Sequence[str], Sequence[int]]], limits: Limits) -> Iterator[Draw]:
    groups: dict[str, str] = {}
    for (workspace, api_key, model, tier, speed), counts in sums:
        group = groups.get(model) or groups.setdefault(model, group_for(model, limits).id)
        uncached, five, hour, reads, output = map(int, counts)
        yield Draw(workspace, api_key, model, uncached, five + hour, reads, output, group, pool_of(tier, speed))
