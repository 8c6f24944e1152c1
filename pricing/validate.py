"""What must hold across the entries of a finished table: no gaps in a life, and no fraction of a pico-dollar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import product

from pricing.merge import Content
from pricing.meters import TOKEN_METERS
from pricing.schema import STANDARD, Entry, Factor, Model, Problem, Span


def validate(content: Content, broken: frozenset[str] = frozenset()) -> list[Problem]:
    """Every problem of a merged table that no single entry shows.

    Shape: `broken` names models and factors with an entry that was refused: what is missing there is not a new mistake.
    """
    problems: list[Problem] = []
    standard: dict[str, list[Entry]] = {}
    for entry in content.entries:
        if entry.kind == STANDARD:
            standard.setdefault(entry.model, []).append(entry)
        problems += _factor_problems(entry, content.factors, broken)
    for model in content.models:
        if model.id in broken:
            continue
        if model.id in standard:
            problems += _life_problems(model, standard[model.id])
        else:
            problems.append(content.declared_at[model.id].problem(f"model {model.id} has no standard price"))
    problems += _outside_life(content, standard, broken)
    return problems


def _life_problems(model: Model, entries: Sequence[Entry]) -> Iterator[Problem]:
    reached: date | None = entries[0].span.start
    for entry in entries:
        if reached is None:
            return
        if reached < entry.span.start:
            yield entry.origin.problem(f"gap: {model.id} has no price from {reached} to {entry.span.start}")
        # An entry inside a longer one is an overlap, reported elsewhere, and not the end of the longer one.
        reached = None if entry.span.end is None else max(reached, entry.span.end)
    last = entries[-1]
    if reached is None:
        return
    if model.retired_on is None:
        yield last.origin.problem(f"gap: {model.id} has no price from {reached} and no retired_on")
    elif reached <= model.retired_on:
        until = model.retired_on + timedelta(days=1)
        yield last.origin.problem(f"gap: {model.id} has no price from {reached} to {until}")


def _outside_life(content: Content, standard: dict[str, list[Entry]], broken: frozenset[str]) -> Iterator[Problem]:
    for entry in content.entries:
        life = standard.get(entry.model)
        if entry.model not in broken and life and entry.span.start < life[0].span.start:
            yield entry.origin.problem(f"starts before the first standard price of {entry.model}")


def _factor_problems(entry: Entry, factors: Sequence[Factor], broken: frozenset[str]) -> Iterator[Problem]:
    batch = _applicable("batch", entry.batch, entry, factors)
    us = _applicable("us", entry.geo, entry, factors)
    for name, allowed, found in (("batch", entry.batch, batch), ("us", entry.geo, us)):
        if allowed and name not in broken and not _covers(entry.span, found):
            yield entry.origin.problem(f"the factor {name} is not in force over the whole entry")
    for combination in product([None, *batch], [None, *us]):
        used = [factor for factor in combination if factor is not None]
        yield from _fractions(entry, used)


def _applicable(name: str, allowed: bool, entry: Entry, factors: Sequence[Factor]) -> list[Factor]:
    return [f for f in factors if allowed and f.factor == name and f.span.meets(entry.span)]


def _covers(span: Span, factors: Sequence[Factor]) -> bool:
    reached = span.start
    for factor in sorted(factors, key=lambda factor: factor.span.start):
        if factor.span.start > reached:
            return False
        if factor.span.end is None:
            return True
        reached = factor.span.end
    return span.end is not None and span.end <= reached


def _fractions(entry: Entry, factors: Sequence[Factor]) -> Iterator[Problem]:
    numerator = denominator = 1
    for factor in factors:
        numerator, denominator = numerator * factor.numerator, denominator * factor.denominator
    for meter, rate in zip(TOKEN_METERS, entry.rates, strict=True):
        if rate is not None and rate * numerator % denominator:
            names = " and ".join(factor.name for factor in factors)
            yield entry.origin.problem(f"{meter} with {names} is not a whole number of pico-dollars per token")
