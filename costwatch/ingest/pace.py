"""How many questions an endpoint is asked in an hour: the vendor supports one a minute for sustained use. Pure.

Hours and minutes of usage share an endpoint, so the hour is divided between them: 20 questions for the newest hours, 3
for how those divide by speed and context, 5 for settling, 8 for reading again, and 24 for minutes. Reading a history,
and the pages of one answer, are bursts and apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from costwatch.ingest.plan import Planned, Why

AN_HOUR = 60
# The reason of the questions that a poll of the newest hours leads to.
DIVIDING = "dividing"


@dataclass(frozen=True, slots=True)
class Budget:
    """The questions of an hour by reason, at one a minute in all.

    Shape: `costs` are the questions of one window, 1 where nothing is said; `together` is the most of all reasons.
    """

    shares: Mapping[str, int]
    together: int
    costs: Mapping[str, int] = field(default_factory=dict)

    def left(self, why: str, asked: Mapping[str, int], per_hour: int) -> float:
        """How many questions of a reason the hour has left. Shape: `asked` are those of the last hour by reason."""
        scale = per_hour / AN_HOUR
        mine = self.shares.get(why, 0) * scale - asked.get(why, 0)
        every = self.together * scale - sum(asked.get(one, 0) for one in self.shares)
        return min(mine, every)


# Two are kept back: where what is stored does not explain a changed hour any more, its splitters are read in any case.
USAGE = Budget({Why.RECENT: 20, DIVIDING: 3, Why.SETTLING: 5, Why.AGAIN: 8}, 34, {Why.SETTLING: 5, Why.AGAIN: 4})
MINUTES = Budget({Why.RECENT: 24, Why.SETTLING: 4, Why.AGAIN: 4}, 24, dict.fromkeys(Why, 2))
# What has an endpoint of its own may use all of it.
OWN = Budget({Why.RECENT: 30, Why.SETTLING: 15, Why.AGAIN: 15}, 60)


def affordable(planned: Sequence[Planned], asked: Mapping[str, int], budget: Budget, per_hour: int) -> list[Planned]:
    """The windows that may be read now, in their order.

    A window is allowed where its questions fit into what its reason has left; one that is dearer than a whole share is
    allowed alone. So what waits waits for less than an hour.
    """
    spent = dict(asked)
    found = []
    for one in planned:
        if one.why in budget.shares:
            cost = budget.costs.get(one.why, 1)
            if budget.left(one.why, spent, per_hour) < cost and spent.get(one.why, 0):
                continue
            spent[one.why] = spent.get(one.why, 0) + cost
        found.append(one)
    return found
