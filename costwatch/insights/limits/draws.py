"""Who drew how much from which pool: usage summed by workspace, key and model, with the group and pool it counts in."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import QuerySet, Sum

from costwatch.directory.limits import Limits
from costwatch.ledger.limit_figures import READS_COUNT, pool_of
from costwatch.ledger.limit_hours import group_for
from costwatch.ledger.models import Fact, MinuteFact


class Draw(NamedTuple):
    """What one key used of one model in one pool. Units: tokens; `uncached` and `writes` are what input limits count.

    Shape: one key, model and pool may come more than once.
    """

    group_id: str
    pool: str
    workspace_key: str
    api_key_id: str
    model: str
    uncached: int
    writes: int
    reads: int
    output: int

    def of(self, side: str) -> int:
        """The tokens of one side of limits: input, output, or both."""
        reads = self.reads if self.model.startswith(READS_COUNT) else 0
        counted = self.uncached + self.writes + reads if side != "output" else 0
        return counted + self.output if side != "input" else counted


def draws(facts: QuerySet[Fact] | QuerySet[MinuteFact], limits: Limits) -> Iterator[Draw]:
    """What was drawn from every group's pools in some hours or minutes."""
    sums = (
        facts.values_list(
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
    groups: dict[str, str] = {}
    for workspace, api_key, model, tier, speed, *counts in sums:
        group = groups.get(model) or groups.setdefault(model, group_for(model, limits).id)
        uncached, five, hour, reads, output = map(int, counts)
        yield Draw(group, pool_of(tier, speed), workspace, api_key, model, uncached, five + hour, reads, output)
