"""Which workspace's limit would keep the organization's pool from filling up, and whom that protects. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from costwatch.insights.limits.flows import (
    DEFAULT_WORKSPACE,
    ORGANIZATION,
    TIGHT,
    Limiter,
    is_over,
    with_organization,
)


@dataclass(frozen=True, slots=True)
class Protecting:
    """The largest value of one workspace's limit that alone keeps the organization's pool within 80 % in every minute.

    Shape: `cap` is None where no value does; then nothing would be refused. `can_be_limited` is not so for the default
    workspace. `minutes` and `refused` are what the cap holds back of stored use, a lower bound of what it would refuse.
    `protects` are the other workspaces with use in the minutes above 80 %, by how many of those they had use in.
    """

    workspace_key: str
    can_be_limited: bool
    cap: int | None
    minutes: int
    refused: int
    protects: tuple[tuple[str, int], ...]


def protecting(by_workspace: Mapping[str, Mapping[int, int]], limiter: Limiter) -> tuple[Protecting, ...]:
    """The workspaces with use in the minutes in which the organization's pool is above 80 %, largest there first.

    Shape: what the limiter counts of each workspace, minute by minute; empty where no minute is above, or no limit is
    known.
    """
    limit, minutes = limiter.organization, with_organization(by_workspace)[ORGANIZATION]
    hot = [place for place, value in minutes.items() if is_over(value, limit)]
    if limit is None or not hot:
        return ()
    there = {name: [own[place] for place in hot if own.get(place)] for name, own in by_workspace.items()}
    active = {name: len(values) for name, values in there.items() if values}
    order = sorted(active, key=lambda name: (-sum(there[name]), name))
    made = []
    for name in order:
        own = by_workspace[name]
        cap = _cap([limit * TIGHT // 100 - minutes[place] + own.get(place, 0) for place in hot], name, limiter)
        held = [] if cap is None else [value - cap for value in own.values() if value > cap]
        others = sorted((-count, other) for other, count in active.items() if other != name)
        made.append(
            Protecting(
                workspace_key=name,
                can_be_limited=name != DEFAULT_WORKSPACE,
                cap=cap,
                minutes=len(held),
                refused=sum(held),
                protects=tuple((other, -count) for count, other in others),
            )
        )
    return tuple(made)


def _cap(room: Iterable[int], workspace_key: str, limiter: Limiter) -> int | None:
    """The largest value that leaves room in every minute; only one below the limit in force refuses anything."""
    limit = limiter.limit_of(workspace_key)
    if limit is None or workspace_key == DEFAULT_WORKSPACE:
        return None
    cap = min(limit - 1, *room)
    return cap if cap > 0 else None
