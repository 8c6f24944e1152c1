"""The smallest set of changes that keeps a workspace under 80 % of its limits. Pure.

A lower bound, as all that the twin says: demand that was refused and bursts inside a minute are in no report.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heapify, heappop, heappush, heapreplace
from itertools import combinations, groupby, permutations

from costwatch.insights.limits.flows import ORGANIZATION, TIGHT, Flow, Limiter, counted, is_over, used
from costwatch.insights.limits.levers import Lever, levers_for
from costwatch.insights.limits.twin import Change, Override, Plan, replay, shifted

MOST_CHANGES = 3
MOST_LEVERS = 12
# Of each line, so many of the worst minutes tell which levers work and how strong they must be; the rest are checked.
WORST = 25


@dataclass(frozen=True, slots=True)
class Smallest:
    """What keeps a workspace under 80 %.

    Units: per cent of its limit in the fullest minute, of the workspace's own lines and the organization's.
    Shape: `changes` is empty where nothing is needed, and None where three do not suffice; `levers` are what was tried,
    each at its strongest, and `with_all` what is left with all of them: above 80 they do not suffice themselves, else
    it takes more than three. `closest` are then the three or fewer that leave least, at their strongest, and
    `with_closest` what they leave; none where that is no less than now.
    """

    workspace_key: str
    changes: tuple[Change, ...] | None
    levers: tuple[Change, ...]
    now: Fraction
    with_all: Fraction
    closest: tuple[Change, ...] = ()
    with_closest: Fraction | None = None


def smallest(workspace_key: str, flows: Sequence[Flow], limiters: Sequence[Limiter]) -> Smallest:
    """The fewest changes with which each minute is within 80 % of the workspace's own limits and the organization's.

    At most three of the twelve levers that do most, each as weak as the others allow: weakened one after the other, in
    every order. Of sets of the same number, the one that takes least out of the pool in the window.
    """
    uses = used(flows)
    counts = {limiter.name: counted(uses, limiter) for limiter in limiters}
    minutes = sorted(_tight_minutes(workspace_key, limiters, counts), key=_Minute.order)
    lines = [list(group) for _, group in groupby(minutes, key=lambda one: (one.limiter.name, one.line))]
    levers = _best(levers_for(workspace_key, flows, limiters, counts), lines) if minutes else []
    strongest = _strongest(levers)
    worst = [one for line in lines for one in line[:WORST]]
    found = _fewest(levers, minutes, worst) if minutes else ()
    made = Smallest(workspace_key, found, strongest, *_fullest(workspace_key, flows, limiters, strongest))
    if found is None and levers:
        closest = _closest(levers, minutes, worst)
        _, left = _fullest(workspace_key, flows, limiters, closest)
        made = replace(made, closest=closest, with_closest=left) if left < made.now else made
    return made


@dataclass(frozen=True, slots=True)
class _Minute:
    """One minute of a line that is above 80 %. Shape: `counts` by workspace, `use` what of them is the line's."""

    limiter: Limiter
    line: str
    place: int
    use: int
    counts: Mapping[str, int]

    def order(self) -> tuple[str, str, int, int]:
        """By line, the fullest first."""
        return self.limiter.name, self.line, -self.use, self.place


class _Trial:
    """Some changes, made ready to be held against many minutes."""

    def __init__(self, levers: Iterable[Lever], changes: Sequence[Change]) -> None:
        self._plan = Plan(changes)
        self._overrides = [one for one in changes if isinstance(one, Override)]
        touched = {flow.part: flow for lever in levers for flow in lever.flows}
        self._shares = [(flow, *self._plan.shares_of(flow)) for flow in touched.values()]

    def over(self, minute: _Minute) -> int:
        """By how many hundredths of a token the minute is still above 80 %; 0 or less where it is not."""
        use, limit = self._left(minute)
        return 0 if limit is None else use * 100 - limit * TIGHT

    def percent(self, minute: _Minute) -> Fraction:
        """How full the minute still is."""
        return _percent(*self._left(minute))

    def _left(self, minute: _Minute) -> tuple[int, int | None]:
        """What is left of the minute's use, and the limit it is held against then."""
        limiter, taken = minute.limiter, dict[str, int]()
        for flow, batched, cached in self._shares:
            tokens = flow.minutes.get(minute.place)
            if tokens is not None and minute.line in (ORGANIZATION, flow.workspace_key):
                before, after = flow.use_of(tokens), flow.use_of(shifted(tokens, batched, cached))
                less = limiter.count(before) - limiter.count(after)
                taken[flow.workspace_key] = taken.get(flow.workspace_key, 0) + less
        use = minute.use - sum(taken.values())
        for one in self._overrides if minute.line == ORGANIZATION else ():
            cap = self._plan.cap_of(one.workspace_key, limiter) if one.limiter == limiter.name else None
            if cap is not None:
                use -= max(0, minute.counts.get(one.workspace_key, 0) - taken.get(one.workspace_key, 0) - cap)
        return use, self._plan.limit_of(minute.line, limiter)


def _tight_minutes(
    workspace_key: str, limiters: Sequence[Limiter], counts: Mapping[str, Mapping[str, Mapping[int, int]]]
) -> Iterator[_Minute]:
    """The minutes above 80 %: no change makes another one so, hence the rest need not be looked at again."""
    for limiter in limiters:
        places: dict[int, dict[str, int]] = {}
        for name, minutes in counts[limiter.name].items():
            for place, value in minutes.items():
                places.setdefault(place, {})[name] = value
        for place, there in places.items():
            total, own = sum(there.values()), there.get(workspace_key, 0)
            if is_over(total, limiter.organization):
                yield _Minute(limiter, ORGANIZATION, place, total, there)
            if is_over(own, limiter.limit_of(workspace_key)):
                yield _Minute(limiter, workspace_key, place, own, there)


def _best(levers: Sequence[Lever], lines: Sequence[Sequence[_Minute]]) -> list[Lever]:
    """The levers that alone take away most of what is above 80 % in the worst minutes, each line counting alike."""
    nothing = _Trial((), ())
    worst = [[(one, nothing.over(one)) for one in line[:WORST]] for line in lines]

    def power(lever: Lever) -> Fraction:
        trial = _Trial([lever], [lever.strongest])
        return sum(
            (
                Fraction(sum(min(over, over - trial.over(one)) for one, over in line), sum(over for _, over in line))
                for line in worst
            ),
            Fraction(0),
        )

    def works(lever: Lever) -> bool:
        trial = _Trial([lever], [lever.strongest])
        return any(trial.over(one) < nothing.over(one) for line in lines for one in line)

    most = levers if len(levers) <= MOST_LEVERS else sorted(levers, key=power, reverse=True)[:MOST_LEVERS]
    return [lever for lever in most if works(lever)]


def _fewest(levers: Sequence[Lever], minutes: Sequence[_Minute], worst: Sequence[_Minute]) -> tuple[Change, ...] | None:
    """The cheapest of the smallest sets that suffice.

    Sets are fitted to the worst minutes, and the cheapest so far is held against all: the minute that it fails most is
    fitted to from then on. The first that passes is the one.
    """
    fitted = list(worst)
    for size in range(1, MOST_CHANGES + 1):
        waiting: list[tuple[int, tuple[int, ...], tuple[Change, ...]]] = []
        for places in combinations(range(len(levers)), size):
            _fit(waiting, levers, places, fitted)
        while waiting:
            _, places, changes = heappop(waiting)
            trial = _Trial([levers[place] for place in places], changes)
            fullest = max(minutes, key=trial.over)
            if trial.over(fullest) <= 0:
                return changes
            fitted.append(fullest)
            _fit(waiting, levers, places, fitted)
    return None


def _closest(levers: Sequence[Lever], minutes: Sequence[_Minute], worst: Sequence[_Minute]) -> tuple[Change, ...]:
    """The set that leaves the fullest minute least full; of equals the smaller one.

    No set leaves less in all minutes than in the worst: those that might be the one are held against all, least first.
    """
    sets = [places for size in range(1, MOST_CHANGES + 1) for places in combinations(range(len(levers)), size)]
    trials = {places: _Trial(chosen := [levers[place] for place in places], _strongest(chosen)) for places in sets}
    waiting = [(max(map(trials[one].percent, worst)), len(one), one, False) for one in sets]
    heapify(waiting)
    while not waiting[0][-1]:
        _, size, places, _ = waiting[0]
        heapreplace(waiting, (max(map(trials[places].percent, minutes)), size, places, True))
    return _strongest([levers[place] for place in waiting[0][2]])


def _strongest(levers: Iterable[Lever]) -> tuple[Change, ...]:
    return tuple(lever.strongest for lever in levers)


def _fit(
    waiting: list[tuple[int, tuple[int, ...], tuple[Change, ...]]],
    levers: Sequence[Lever],
    places: tuple[int, ...],
    minutes: Sequence[_Minute],
) -> None:
    """Let a set wait at what it costs, each lever as weak as the minutes allow, if it is enough for them at all."""
    chosen = [levers[place] for place in places]
    full = _Trial(chosen, _strongest(chosen))
    if any(full.over(minute) > 0 for minute in minutes):
        return
    made = []
    for order in permutations(range(len(chosen))):
        strengths = [lever.top for lever in chosen]
        for place in order:
            strengths[place] = _weakest(chosen, strengths, place, minutes)
        fitted = list(zip(chosen, strengths, strict=True))
        effect = sum(lever.effect(strength) for lever, strength in fitted)
        made.append((effect, places, tuple(lever.at(strength) for lever, strength in fitted)))
    heappush(waiting, min(made, key=lambda one: one[0]))


def _weakest(chosen: Sequence[Lever], strengths: Sequence[int], place: int, minutes: Sequence[_Minute]) -> int:
    """How weak one lever may be while the others stay as they are."""

    def trial(strength: int) -> _Trial:
        tried = [*strengths[:place], strength, *strengths[place + 1 :]]
        return _Trial(chosen, [lever.at(one) for lever, one in zip(chosen, tried, strict=True)])

    def weakest(enough: int, minute: _Minute) -> int:
        steps = range(enough, strengths[place])
        return enough + bisect_left(steps, True, key=lambda strength: trial(strength).over(minute) <= 0)

    enough, now = 1, trial(1)
    for minute in minutes:
        if now.over(minute) > 0:
            enough = weakest(enough, minute)
            now = trial(enough)
    return enough


def _fullest(
    workspace_key: str, flows: Sequence[Flow], limiters: Sequence[Limiter], changes: Iterable[Change]
) -> tuple[Fraction, Fraction]:
    """How full the fullest minute is now and with some changes."""
    now = after = Fraction(0)
    for line in replay(flows, limiters, changes):
        if line.workspace_key in (ORGANIZATION, workspace_key):
            now = max(now, _percent(line.before.peak if line.before else 0, line.limit_before))
            after = max(after, _percent(line.after.peak if line.after else 0, line.limit_after))
    return now, after


def _percent(use: int, limit: int | None) -> Fraction:
    """The share of a limit; a limit of nothing is used up by anything."""
    if limit is None or not use:
        return Fraction(0)
    return Fraction(use * 100, limit) if limit else Fraction(100)
