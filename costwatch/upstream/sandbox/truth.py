"""What the sandbox knows about itself: exact totals for any filter, by its own rates."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from costwatch.upstream.sandbox.biller import METERS, WEB_SEARCH, Counts, amounts, list_rates
from costwatch.upstream.sandbox.buckets import DAY, MINUTE, seconds
from costwatch.upstream.sandbox.cost import Bill, Line
from costwatch.upstream.sandbox.history import EPOCH_ORDINAL, History
from costwatch.upstream.sandbox.organization import Directory
from costwatch.upstream.sandbox.streams import DIMENSIONS, Stream

METER_DIMENSIONS = ("cost_type", "token_type")
REPORTED_DIMENSIONS = ("workspace_id", "model", "service_tier", "context_window", "inference_geo", *METER_DIMENSIONS)
ABSENT = {"workspace_id": "default", "api_key_id": "console"}
Key = tuple[str, ...]


@dataclass(slots=True)
class Totals:
    """Exact totals.

    Units: counts; money in pico-dollars. `reported` is None where the cost report cannot say.
    """

    uncached_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens: int = 0
    web_search_requests: int = 0
    list_low: int = 0
    list_high: int = 0
    unpriced_tokens: int = 0
    reported: int | None = 0

    @property
    def counts(self) -> Counts:
        """The six counts in the order of the meters."""
        return (
            self.uncached_input_tokens,
            self.ephemeral_5m_input_tokens,
            self.ephemeral_1h_input_tokens,
            self.cache_read_input_tokens,
            self.output_tokens,
            self.web_search_requests,
        )

    def as_json(self) -> dict[str, int | None]:
        """The totals as a JSON object of integers."""
        return asdict(self)


class Truth:
    """Answers with totals for any period, grouping and filter.

    Usage is valued at standard list price for the priority tiers too; a model or tier without a published price counts
    into `unpriced_tokens`. Values the vendor leaves null read `default` (workspace), `console` (API key) or "".
    """

    def __init__(self, history: History, bill: Bill, directory: Directory, now: Callable[[], int]) -> None:
        self._history, self._bill, self._directory, self._now = history, bill, directory, now

    def totals(
        self, since: datetime, until: datetime, *, group_by: Sequence[str] = (), **filters: str | Collection[str]
    ) -> dict[Key, Totals]:
        """Totals of [since, until), clipped to now, by the values of `group_by`.

        Units: edges are snapped down to minutes. Raises: ValueError for a dimension that does not exist.
        """
        unknown = (set(group_by) | set(filters)) - set(DIMENSIONS) - set(METER_DIMENSIONS)
        if unknown:
            raise ValueError(f"no such dimension: {', '.join(sorted(unknown))}")
        now = self._now()
        start, end = seconds(since) // MINUTE * MINUTE, seconds(until)
        end = now if end >= now else end // MINUTE * MINUTE
        question = _Question(tuple(group_by), self._wanted(filters))
        for day in range(start // DAY, -(-end // DAY)):
            self._add_usage(question, day, max(start, day * DAY), min(end, day * DAY + DAY), now)
        whole_days = start % DAY == 0 and (end == now or end % DAY == 0)
        if whole_days and set(question.dimensions) <= set(REPORTED_DIMENSIONS):
            for day in range(start // DAY, -(-end // DAY)):
                for line, amount in self._bill.lines(day, now).items():
                    question.add_reported(_line_values(line), amount)
        else:
            for total in question.found.values():
                total.reported = None
        return question.found

    def _wanted(self, filters: Mapping[str, str | Collection[str]]) -> dict[str, frozenset[str]]:
        wanted = {}
        for name, value in filters.items():
            values = frozenset([value] if isinstance(value, str) else value)
            if name == "workspace_id" and self._directory.default_id in values:
                values |= {"default"}
            wanted[name] = values
        return wanted

    def _add_usage(self, question: "_Question", day: int, start: int, end: int, now: int) -> None:
        for number, counts in self._history.rows(start, end, now):
            question.add(self._history.streams.all[number], counts, day + EPOCH_ORDINAL)


class _Question:
    """One question under way: what is asked, and what was found so far."""

    def __init__(self, group_by: tuple[str, ...], filters: dict[str, frozenset[str]]) -> None:
        # Without a grouping there is always one answer, even if it is zero.
        self.found: dict[Key, Totals] = {} if group_by else {(): Totals()}
        self.dimensions = (*group_by, *filters)
        self._group_by, self._filters = group_by, filters
        self._by_meter = not set(METER_DIMENSIONS).isdisjoint(self.dimensions)

    def add(self, stream: Stream, counts: Counts, ordinal: int) -> None:
        """Count a row in."""
        values = {name: value or ABSENT.get(name, "") for name, value in zip(DIMENSIONS, stream.place, strict=True)}
        if not self._by_meter:
            self._add_counts(values, stream, counts, ordinal)
            return
        for index, meter in enumerate(METERS):
            alone = tuple(count if place == index else 0 for place, count in enumerate(counts))
            if counts[index]:
                kind, token = ("tokens", meter) if index < 5 else ("web_search", "")
                own = {**values, "cost_type": kind, "token_type": token}
                self._add_counts(own, stream, alone, ordinal)  # type: ignore[arg-type]

    def add_reported(self, values: Mapping[str, str], amount: int) -> None:
        """Count a line of the bill in."""
        total = self._total(values)
        if total is not None:
            total.reported = (total.reported or 0) + amount

    def _add_counts(self, values: Mapping[str, str], stream: Stream, counts: Counts, ordinal: int) -> None:
        total = self._total(values)
        if total is None:
            return
        for meter, count in zip(METERS, counts, strict=True):
            setattr(total, meter, getattr(total, meter) + count)
        searches = counts[5] * WEB_SEARCH
        rates = list_rates(stream.terms, ordinal)
        if rates is None:
            total.unpriced_tokens += sum(counts[:5])
        total.list_low += searches + (sum(amounts(counts, rates[0])) if rates else 0)
        total.list_high += searches + (sum(amounts(counts, rates[1])) if rates else 0)

    def _total(self, values: Mapping[str, str]) -> Totals | None:
        for name, allowed in self._filters.items():
            if values[name] not in allowed:
                return None
        key = tuple(values[name] for name in self._group_by)
        total = self.found.get(key)
        if total is None:
            total = self.found[key] = Totals()
        return total


def _line_values(line: Line) -> dict[str, str]:
    return {
        "workspace_id": line.workspace or "default",
        "model": line.model or "",
        "service_tier": line.service_tier or "",
        "context_window": line.context_window or "",
        "inference_geo": line.inference_geo or "",
        "cost_type": line.cost_type or "",
        "token_type": (line.token_type or "").removeprefix("cache_creation."),
    }
