"""The limits twin: what stored minutes would have come to beside their limits under changes nobody has made yet. Pure.

It replays what was used, not what was wanted: demand that was refused is in no report, nor is a burst inside a minute,
so what it says of a change is a lower bound. Demand above a new cap is counted as refused, not moved to later minutes,
and what a cap on one limiter refuses is not taken off another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from costwatch.insights.limits.flows import (
    DEFAULT_WORKSPACE,
    ORGANIZATION,
    Flow,
    Limiter,
    Part,
    Tokens,
    counted,
    lower,
    used,
    with_organization,
)
from costwatch.ledger.limit_figures import Figures, Use, figures


class BadChange(ValueError):
    """A change that cannot be tried; the message says which and why."""


@dataclass(frozen=True, slots=True, order=True)
class Override:
    """A workspace's own value of a limiter: a cap below the value in force, a raise above it.

    Above the organization's value the organization's applies.
    """

    workspace_key: str
    limiter: str
    value: int


@dataclass(frozen=True, slots=True, order=True)
class Batch:
    """A share of somebody's use that goes to the batch pool, which has limits of its own. Units: per cent.

    It leaves every minute alike; what is left of a count is rounded up. Use without an API key stays.
    """

    part: Part
    percent: int


@dataclass(frozen=True, slots=True, order=True)
class Caching:
    """A share of somebody's uncached input that is read from the cache instead. Units: per cent.

    The same share in every minute, of what batches leave; what is read instead is rounded down. Use without an API key
    stays as it is.
    """

    part: Part
    percent: int


Change = Override | Batch | Caching
# By workspace and the minute's place.
_Used = Mapping[str, Mapping[int, Use]]


@dataclass(frozen=True, slots=True)
class Line:
    """One limiter of the organization (an empty key) or a workspace, before and after the changes.

    Units: tokens as the limiter counts them. Shape: None where no minute has use; `refused` and `minutes_refused` are
    what new caps hold back, for the organization those of all its workspaces.
    """

    workspace_key: str
    limiter: str
    limit_before: int | None
    limit_after: int | None
    before: Figures | None
    after: Figures | None
    refused: int
    minutes_refused: int


class Plan:
    """Changes taken together. Where several batches, or several cachings, name the same use, the largest applies."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._batches: list[Batch] = []
        self._cachings: list[Caching] = []
        self._overrides: dict[tuple[str, str], int] = {}
        for change in changes:
            if isinstance(change, Override):
                self._set(change)
                continue
            if not 0 <= change.percent <= 100:
                raise BadChange(f"{change.percent} is not between 0 and 100 per cent")
            if isinstance(change, Batch):
                self._batches.append(change)
            else:
                self._cachings.append(change)

    def _set(self, override: Override) -> None:
        name = override.workspace_key, override.limiter
        if override.workspace_key in (ORGANIZATION, DEFAULT_WORKSPACE):
            raise BadChange("only a workspace other than the default one can have a limit of its own")
        if override.value < 0:
            raise BadChange(f"{override.value} is below 0")
        if name in self._overrides:
            raise BadChange(f"{override.limiter} of {override.workspace_key} is given twice")
        self._overrides[name] = override.value

    @property
    def limited(self) -> set[tuple[str, str]]:
        """The workspaces and limiters that are given a value."""
        return set(self._overrides)

    def limit_of(self, line: str, limiter: Limiter) -> int | None:
        """What would apply to the organization or a workspace."""
        value = self._overrides.get((line, limiter.name))
        return limiter.limit_of(line) if value is None else lower(limiter.organization, value)

    def cap_of(self, workspace_key: str, limiter: Limiter) -> int | None:
        """The value above which use would be refused that is not refused now; None where there is none.

        Use above the limit in force did get through: only a lower limit is taken to refuse anything.
        """
        before, after = limiter.limit_of(workspace_key), self.limit_of(workspace_key, limiter)
        return after if after is not None and (before is None or after < before) else None

    def shares_of(self, flow: Flow) -> tuple[int, int]:
        """How much of a flow is batched, and how much of the rest's uncached input cached. Units: per cent."""
        if not flow.is_of_a_key:
            return 0, 0
        return (
            max((one.percent for one in self._batches if one.part.holds(flow)), default=0),
            max((one.percent for one in self._cachings if one.part.holds(flow)), default=0),
        )


def shifted(tokens: Tokens, batched: int, cached: int) -> Tokens:
    """What is left of some tokens in their pool. Units: per cent."""
    if batched:
        keep = batched - 100
        uncached, writes, reads, output = (-(one * keep // 100) for one in tokens)
    else:
        uncached, writes, reads, output = tokens
    moved = uncached * cached // 100
    return Tokens(uncached - moved, writes, reads + moved, output)


def replay(flows: Sequence[Flow], limiters: Sequence[Limiter], changes: Iterable[Change]) -> tuple[Line, ...]:
    """The organization and each workspace with use, for each limiter, as it was and as it would have been.

    Shape: by limiter in the order given; the organization first, then workspaces by key.
    Raises: BadChange.
    """
    plan = Plan(changes)
    unknown = {name for _, name in plan.limited} - {limiter.name for limiter in limiters}
    if unknown:
        raise BadChange(f"no limiter is called {min(unknown)}")
    before = used(flows)
    touched = {flow.workspace_key for flow in flows if any(plan.shares_of(flow))}
    after = {**before, **used(_left(flow, plan) for flow in flows if flow.workspace_key in touched)}
    return tuple(line for limiter in limiters for line in _lines(limiter, plan, before, after))


def _left(flow: Flow, plan: Plan) -> Flow:
    batched, cached = plan.shares_of(flow)
    if not batched and not cached:
        return flow
    return replace(flow, minutes={place: shifted(one, batched, cached) for place, one in flow.minutes.items()})


def _lines(limiter: Limiter, plan: Plan, before: _Used, after: _Used) -> Iterator[Line]:
    of_workspaces = counted(after, limiter)
    was, wanted = with_organization(counted(before, limiter)), with_organization(of_workspaces)
    served = with_organization(
        {name: _served(minutes, plan.cap_of(name, limiter)) for name, minutes in of_workspaces.items()}
    )
    for name in sorted(was):
        refused = [want - serve for want, serve in zip(wanted[name].values(), served[name].values(), strict=True)]
        limit = limiter.limit_of(name), plan.limit_of(name, limiter)
        yield Line(
            workspace_key=name,
            limiter=limiter.name,
            limit_before=limit[0],
            limit_after=limit[1],
            before=figures(was[name], limit[0]),
            after=figures(served[name], limit[1]),
            refused=sum(refused),
            minutes_refused=sum(map(bool, refused)),
        )


def _served(minutes: Mapping[int, int], cap: int | None) -> Mapping[int, int]:
    return minutes if cap is None else {place: min(value, cap) for place, value in minutes.items()}
