"""A stack made ready to draw: values joined into series and Other, days into bins, by exact sums. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from costwatch.insights.amounts import Bounds
from costwatch.insights.periods import Period
from costwatch.insights.spend import Spend, Stack

DAY = timedelta(days=1)
MOST_DAILY_BINS = 92
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Layer:
    """One series of a stack, by bin: what was reported, and what has come since at the organization's rates.

    Shape: `values` are the dimension's values it is made of; `total` is the reported sum. Units: pico-dollars.
    """

    key: str
    slot: int
    values: tuple[str, ...]
    reported: tuple[int, ...]
    since: tuple[Bounds, ...]
    total: int
    since_total: Bounds


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar: its days, both inclusive, with the amounts of the whole bar, in pico-dollars.

    Shape: `state` is reported, since (at your rates), mixed (a week with both), ahead or unread (nothing is known);
    `previous` is what the same days were reported at in the compared period; low, middle and high are the forecast.
    """

    first: date
    last: date
    state: str
    is_today: bool
    reported: int
    since: Bounds
    previous: int | None
    ahead: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stack ready to draw. `width` is day or week."""

    breakdown: str
    width: str
    bins: tuple[Bin, ...]
    layers: tuple[Layer, ...]
    total: int
    since_total: Bounds


def drawn(
    stack: Stack, figures: Spend, previous: Mapping[date, int], series: Mapping[str, tuple[str, int]], today: date
) -> Drawn:
    """Join days into bins and values into series.

    Shape: `previous` maps days of the compared period to amounts; `series` maps a value to the key and slot of its
    series, and values without one go under Other. Series come in the order of their slots, Other last.
    """
    spans = _spans(stack.period)
    place = {day: index for index, span in enumerate(spans) for day in span}
    members: dict[tuple[str, int], set[str]] = {}
    for _, value in (*stack.reported, *stack.since):
        members.setdefault(series.get(value, (OTHER, 0)), set()).add(value)
    layers = [_layer(key, slot, values, stack, place, len(spans)) for (key, slot), values in members.items()]
    layers.sort(key=lambda layer: (layer.slot == 0, layer.slot, -layer.total, layer.key))
    before = _before(figures, previous, place, len(spans))
    ahead = {one.day: (one.low, one.middle, one.high) for one in figures.forecast.days} if figures.forecast else {}
    daily = len(spans) == len(place)
    bins = tuple(
        Bin(
            first=span[0],
            last=span[-1],
            state=_state(span, stack, today),
            is_today=today in span,
            reported=sum(layer.reported[index] for layer in layers),
            since=sum((layer.since[index] for layer in layers), Bounds()),
            previous=before[index],
            ahead=ahead.get(span[0]) if daily else None,
        )
        for index, span in enumerate(spans)
    )
    return Drawn(
        breakdown=stack.breakdown,
        width="day" if daily else "week",
        bins=bins,
        layers=tuple(layers),
        total=sum(layer.total for layer in layers),
        since_total=sum((layer.since_total for layer in layers), Bounds()),
    )


def _spans(period: Period) -> list[list[date]]:
    """The bars of a period: its days, or its ISO weeks where there are too many days to tell apart."""
    if len(period.days) <= MOST_DAILY_BINS:
        return [[day] for day in period.days]
    weeks: dict[date, list[date]] = {}
    for day in period.days:
        weeks.setdefault(day - DAY * day.weekday(), []).append(day)
    return list(weeks.values())


def _layer(key: str, slot: int, values: set[str], stack: Stack, place: Mapping[date, int], bins: int) -> Layer:
    reported, since = [0] * bins, [Bounds()] * bins
    for (day, value), amount in stack.reported.items():
        if value in values:
            reported[place[day]] += amount
    for (day, value), bounds in stack.since.items():
        if value in values:
            since[place[day]] += bounds
    return Layer(key, slot, tuple(sorted(values)), tuple(reported), tuple(since), sum(reported), sum(since, Bounds()))


def _before(figures: Spend, previous: Mapping[date, int], place: Mapping[date, int], bins: int) -> list[int | None]:
    """The compared period's amounts under the days they are compared with."""
    made: list[int | None] = [None] * bins
    if figures.compared is None:
        return made
    for index, day in enumerate(figures.compared.days):
        ours = figures.period.since + DAY * index
        if ours in place and ours < figures.reported_until:
            made[place[ours]] = (made[place[ours]] or 0) + previous.get(day, 0)
    return made


def _state(span: list[date], stack: Stack, today: date) -> str:
    if span[0] > today:
        return "ahead"
    if all(day in stack.unread or day > today for day in span):
        return "unread"
    if span[-1] < stack.reported_until:
        return "reported"
    return "mixed" if span[0] < stack.reported_until else "since"
