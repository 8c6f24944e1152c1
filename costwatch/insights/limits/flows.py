"""Who used what, minute by minute, of one group and pool, and the limiters that it is held against. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from costwatch.ledger.limit_figures import Use

# As the directory names them; its models are not for pure code.
ORGANIZATION, DEFAULT_WORKSPACE, CONSOLE_KEY = "", "default", "console"
# What an alarm, a page and a twin mean by too close. Units: per cent of a limit.
TIGHT = 80


class Tokens(NamedTuple):
    """Tokens of one minute, as the usage report tells them apart."""

    uncached_input: int
    cache_writes: int
    cache_reads: int
    output: int


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Whose use is meant: all of a workspace, one API key of it, or one model of that key."""

    workspace_key: str
    api_key_id: str | None = None
    model: str | None = None

    def holds(self, flow: "Flow") -> bool:
        """Whether a flow belongs to this part."""
        return (
            self.workspace_key == flow.workspace_key
            and self.api_key_id in (None, flow.api_key_id)
            and self.model in (None, flow.model)
        )


@dataclass(frozen=True, slots=True)
class Flow:
    """All that one API key used of one model. Shape: `minutes` by their place from the window's start."""

    workspace_key: str
    api_key_id: str
    model: str
    reads_count: bool
    minutes: Mapping[int, Tokens]

    @property
    def key(self) -> Part:
        """The API key whose use this is, with all its models."""
        return Part(self.workspace_key, self.api_key_id)

    @property
    def part(self) -> Part:
        """This flow alone."""
        return Part(self.workspace_key, self.api_key_id, self.model)

    @property
    def is_of_a_key(self) -> bool:
        """Whether an API key made it: what people do in the Console cannot be batched or cached by anybody's code."""
        return self.api_key_id != CONSOLE_KEY

    def use_of(self, tokens: Tokens) -> Use:
        """What some tokens of this model count against limits."""
        uncached, writes, reads, output = tokens
        return Use(uncached + writes, reads if self.reads_count else 0, output)

    def total(self) -> Tokens:
        """All tokens of the window."""
        return Tokens(*(sum(column) for column in zip(*self.minutes.values(), strict=True))) if self.minutes else NONE


NONE = Tokens(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Limiter:
    """One limiter of a group, with the values it has for the organization and, where they have set one, workspaces.

    Units: as the limiter's name says. Shape: `count` is what a use comes to, and counts a sum as the sum of the counts.
    """

    name: str
    count: Callable[[Use], int]
    organization: int | None
    overrides: Mapping[str, int]

    def limit_of(self, line: str) -> int | None:
        """What applies to the organization or a workspace: the lower of its own value and the organization's."""
        return lower(self.organization, self.overrides.get(line))

    def counts_of(self, flow: Flow) -> dict[int, int]:
        """What a flow comes to in each of its minutes."""
        return {place: self.count(flow.use_of(tokens)) for place, tokens in flow.minutes.items()}


def lower(one: int | None, other: int | None) -> int | None:
    """The lower of two limits; None is no limit."""
    return min((value for value in (one, other) if value is not None), default=None)


def is_over(value: int, limit: int | None, share: int = TIGHT) -> bool:
    """Whether a minute is above a share of its limit. Units: per cent."""
    return limit is not None and value * 100 > limit * share


def used(flows: Iterable[Flow]) -> dict[str, dict[int, Use]]:
    """What counts against limits in each minute, by workspace."""
    found: dict[str, dict[int, list[int]]] = {}
    for flow in flows:
        minutes, reads_count = found.setdefault(flow.workspace_key, {}), flow.reads_count
        for place, (uncached, writes, reads, output) in flow.minutes.items():
            sums = minutes.get(place)
            if sums is None:
                sums = minutes[place] = [0, 0, 0]
            sums[0] += uncached + writes
            sums[1] += reads if reads_count else 0
            sums[2] += output
    return {workspace: {place: Use(*sums) for place, sums in minutes.items()} for workspace, minutes in found.items()}


def counted(uses: Mapping[str, Mapping[int, Use]], limiter: Limiter) -> dict[str, dict[int, int]]:
    """What a limiter counts of the use of each workspace, minute by minute."""
    return {name: {place: limiter.count(use) for place, use in minutes.items()} for name, minutes in uses.items()}


def with_organization(by_workspace: Mapping[str, Mapping[int, int]]) -> dict[str, dict[int, int]]:
    """The minutes of workspaces, and before them those of the organization that they sum to."""
    organization: dict[int, int] = {}
    for minutes in by_workspace.values():
        for place, value in minutes.items():
            organization[place] = organization.get(place, 0) + value
    return {ORGANIZATION: organization, **{name: dict(minutes) for name, minutes in by_workspace.items()}}
