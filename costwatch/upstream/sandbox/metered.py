"""What each stream used and cost in a span, with its requests: the ground on which the analytics reports stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from costwatch.upstream.sandbox.biller import WEB_SEARCH, Counts, amounts, billed_rates
from costwatch.upstream.sandbox.buckets import DAY, HOUR
from costwatch.upstream.sandbox.cost import TOKEN_LINES, Bill
from costwatch.upstream.sandbox.history import EPOCH_ORDINAL, NOTHING, History
from costwatch.upstream.sandbox.models import UNKNOWN_MODEL
from costwatch.upstream.sandbox.streams import Stream

# A credit is no cost here: amounts are those before credits.
CREDIT = None
Charge = tuple[str, str | None, int, int]


@dataclass(frozen=True, slots=True)
class Metered:
    """One stream in a span. `charges` are (cost type, token type, amount, list amount). Units: pico-dollars."""

    stream: Stream
    counts: Counts
    requests: int
    day: int

    @property
    def charges(self) -> Iterator[Charge]:
        """What the bill says about it, and what it would say without the organization's own terms."""
        if not self.stream.charged:
            return
        if self.counts[5]:
            yield "web_search", None, self.counts[5] * WEB_SEARCH, self.counts[5] * WEB_SEARCH
        rates = billed_rates(self.stream.terms, self.day + EPOCH_ORDINAL, self.stream.long_prompt)
        if rates is None:
            return
        # The preview model is sold a fifth below its list price; everything else at list.
        over, under = (5, 4) if self.stream.terms.model == UNKNOWN_MODEL else (1, 1)
        for (token_type, _), amount in zip(TOKEN_LINES, amounts(self.counts, rates), strict=True):
            if amount:
                yield "tokens", token_type, amount, amount * over // under


def metered(history: History, start: int, end: int, now: int) -> Iterator[Metered]:
    """The streams of a span inside one UTC day, as known at `now`. Units: seconds since 1970.

    Requests are counted along the running totals of each hour, so that they sum over any spans and any grouping.
    """
    streams = history.streams.all
    counted: dict[int, tuple[Counts, int]] = {}
    for hour in range(start - start % HOUR, min(end, now), HOUR):
        before = dict(history.rows(hour, start, now)) if hour < start else {}
        for number, after in history.rows(hour, min(end, hour + HOUR), now):
            earlier = before.get(number, NOTHING)
            if after == earlier:
                continue
            size = 2_000 + streams[number].salt % 30_000
            requests = -(-sum(after[:5]) // size) + sum(earlier[:5]) // -size
            counts, more = counted.get(number, (NOTHING, 0))
            counted[number] = (_grown(counts, after, earlier), more + requests)
    for number, (counts, requests) in counted.items():
        yield Metered(streams[number], counts, requests, start // DAY)


def _grown(counts: Counts, after: Counts, earlier: Counts) -> Counts:
    first, second, third, fourth, fifth, sixth = (
        count + late - early for count, late, early in zip(counts, after, earlier, strict=True)
    )
    return first, second, third, fourth, fifth, sixth


def beside_usage(bill: Bill, start: int, end: int, now: int) -> Mapping[tuple[str | None, str], int]:
    """What a span inside one UTC day cost beside its tokens: (workspace, cost type) -> pico-dollars."""
    found: dict[tuple[str | None, str], int] = {}
    for sign, until in ((1, min(end, now)), (-1, min(start, now))):
        for line, amount in bill.beside_usage(start // DAY, until).items():
            if line.cost_type is not CREDIT:
                key = (line.workspace, line.cost_type)
                found[key] = found.get(key, 0) + sign * amount
    return {key: amount for key, amount in found.items() if amount}
