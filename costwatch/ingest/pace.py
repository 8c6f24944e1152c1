"""How many questions an endpoint is asked in an hour: the vendor supports one a minute for sustained use. Pure.

Hours and minutes of usage share an endpoint, so the hour is divided between them: about 20 questions for the newest
hours, 24 for minutes, 5 for settling, 8 for reading again, and 3 for how the newest hours divide by speed. Reading a
history, and the pages of one answer, are bursts and apart.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from costwatch.ingest.plan import Planned, Why

AN_HOUR = 60
USAGE_SHARES: Mapping[str, float] = {Why.RECENT: 23, Why.SETTLING: 5, Why.AGAIN: 8}
MINUTE_SHARES: Mapping[str, float] = {Why.RECENT: 24, Why.SETTLING: 2, Why.AGAIN: 2}
# What has an endpoint of its own may use all of it.
OWN_SHARES: Mapping[str, float] = {Why.RECENT: 30, Why.SETTLING: 15, Why.AGAIN: 15}
P = TypeVar("P", bound=Planned)


def affordable(planned: Sequence[P], asked: Mapping[str, int], shares: Mapping[str, float], per_hour: int) -> list[P]:
    """The windows that may be read now, in their order.

    Shape: `asked` are the questions of the last hour by reason. A reason is allowed one more window while it has asked
    less than its share, so a short hour of waiting is all that is ever lost.
    """
    spent = dict(asked)
    found = []
    for one in planned:
        share = shares.get(one.why)
        if share is not None:
            if spent.get(one.why, 0) >= share * per_hour / AN_HOUR:
                continue
            spent[one.why] = spent.get(one.why, 0) + 1
        found.append(one)
    return found
