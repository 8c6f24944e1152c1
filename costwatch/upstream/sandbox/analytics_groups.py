"""The sums behind the analytics reports: what was metered, by any dimensions, in any spans, ranked."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from costwatch.upstream.sandbox.analytics_query import DIMENSIONS, Question, Values
from costwatch.upstream.sandbox.biller import METERS
from costwatch.upstream.sandbox.buckets import DAY
from costwatch.upstream.sandbox.cost import Bill
from costwatch.upstream.sandbox.history import History
from costwatch.upstream.sandbox.metered import Charge, beside_usage, metered
from costwatch.upstream.sandbox.organization import Directory
from costwatch.upstream.sandbox.streams import DIMENSIONS as PLACES
from costwatch.upstream.sandbox.streams import Stream

NOWHERE: dict[str, Hashable] = dict.fromkeys((*DIMENSIONS, "actor_id"))
Place = tuple[Hashable, ...]


@dataclass(slots=True)
class Group:
    """The sums of one group in one span. Units: pico-dollars; `amounts` are (amount, list amount) by fan-out."""

    start: int
    end: int
    place: Place
    counts: list[int] = field(default_factory=lambda: [0] * 6)
    requests: int = 0
    amounts: dict[Place, tuple[int, int]] = field(default_factory=dict)

    def rank(self, order_by: str) -> int:
        """What it is ordered by."""
        match order_by:
            case "time":
                return self.start
            case "requests":
                return self.requests
            case "total_tokens":
                return sum(self.counts[:5])
            case "amount" | "list_amount":
                return sum(pair[order_by == "list_amount"] for pair in self.amounts.values())
        return self.counts[METERS.index(order_by)]

    def charge(self, charge: Charge, fan_out: Iterable[str]) -> None:
        """Count a charge in."""
        kind, token_type, amount, list_amount = charge
        key = tuple({"cost_type": kind, "token_type": token_type}[name] for name in fan_out)
        before = self.amounts.get(key, (0, 0))
        self.amounts[key] = (before[0] + amount, before[1] + list_amount)


class Groups:
    """Adds up what one organization metered."""

    def __init__(self, history: History, bill: Bill, directory: Directory) -> None:
        self._history, self._bill, self._directory = history, bill, directory
        self._people = {str(user["id"]): user for user in directory.users}

    def ranked(self, question: Question, now: int, *, is_cost: bool) -> list[Group]:
        """Every group of a question, in the order it asks for."""
        found: list[Group] = []
        places: dict[int, Place | None] = {}
        width = question.width or question.end - question.start
        for start in range(question.start, min(question.end, now), max(width, 1)):
            sums = _Sums(start, start + width, question, places)
            for since, until in _days(start, start + width):
                self._add_streams(sums, since, until, now, is_cost)
                if is_cost:
                    self._add_beside(sums, since, until, now)
            found += sums.groups.values()
        found.sort(key=lambda group: (group.start, repr(group.place)))
        found.sort(key=lambda group: group.rank(question.order_by), reverse=question.descending)
        return found

    def _add_streams(self, sums: "_Sums", since: int, until: int, now: int, is_cost: bool) -> None:
        for one in metered(self._history, since, until, now):
            number = one.stream.number
            if number not in sums.places:
                sums.places[number] = sums.place_of(self._values(one.stream))
            place = sums.places[number]
            charges = list(one.charges) if is_cost and place is not None else []
            if place is None or (is_cost and not charges):
                continue
            group = sums.group(place)
            group.requests += one.requests
            for index, count in enumerate(one.counts):
                group.counts[index] += count
            for charge in charges:
                group.charge(charge, sums.question.fan_out)

    def _add_beside(self, sums: "_Sums", since: int, until: int, now: int) -> None:
        for (workspace, kind), amount in beside_usage(self._bill, since, until, now).items():
            place = sums.place_of({**NOWHERE, **self._whose(workspace)})
            if place is not None:
                sums.group(place).charge((kind, None, amount, amount), sums.question.fan_out)

    def _whose(self, workspace: str | None) -> dict[str, Hashable]:
        """Here the default workspace has its real id."""
        return {
            "workspace_id": workspace or self._directory.default_id,
            "organization_id": str(self._directory.me["id"]),
        }

    def _values(self, stream: Stream) -> dict[str, Hashable]:
        place = dict(zip(PLACES, stream.place, strict=True))
        values = {**NOWHERE, **self._whose(place["workspace_id"])}
        for name in ("api_key_id", "model", "service_tier", "context_window", "inference_geo", "speed"):
            values[name] = place[name]
        account, service, key = place["account_id"], place["service_account_id"], place["api_key_id"]
        if account:
            person = self._people.get(account, {})
            named = (("email_address", person.get("email")), ("name", person.get("name")), ("deleted", not person))
            actor: tuple[tuple[str, object], ...] = (("type", "user_actor"), ("user_id", account), *named)
        elif service:
            actor = (("type", "service_account_actor"), ("service_account_id", service))
        elif key:
            actor = (("type", "api_actor"), ("api_key_id", key))
        else:
            return values
        return {**values, "actor": actor, "actor_type": str(actor[0][1]), "actor_id": str(actor[1][1])}


class _Sums:
    """The groups of one span on their way. `places` remembers where each stream belongs; None: filtered out."""

    def __init__(self, start: int, end: int, question: Question, places: dict[int, Place | None]) -> None:
        self.groups: dict[Place, Group] = {}
        self.question, self.places = question, places
        self._start, self._end = start, end

    def place_of(self, values: Values) -> Place | None:
        """Where something is counted; None if a filter leaves it out."""
        if not self.question.takes(values):
            return None
        return tuple(values[name] for name in self.question.groups)

    def group(self, place: Place) -> Group:
        """The group of a place."""
        if place not in self.groups:
            self.groups[place] = Group(self._start, self._end, place)
        return self.groups[place]


def _days(start: int, end: int) -> Iterator[tuple[int, int]]:
    """A span cut at the UTC midnights."""
    while start < end:
        stop = min(end, start - start % DAY + DAY)
        yield start, stop
        start = stop
