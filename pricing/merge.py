"""Documents laid over each other into one table: who ends whom, and what one model is called in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TypeVar

from pricing.reading import Document
from pricing.schema import STANDARD, Entry, Factor, Model, ModelDeclaration, Origin, Problem, Span, ToolPrice

# The launch of a model that has no standard price: validation refuses it.
NEVER = date.max

Dated = TypeVar("Dated", Entry, Factor, ToolPrice)


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a table says, overlays applied.

    Shape: `declared_at` says where each model id was first declared.
    """

    models: tuple[Model, ...]
    entries: tuple[Entry, ...]
    factors: tuple[Factor, ...]
    tools: tuple[ToolPrice, ...]
    declared_at: Mapping[str, Origin]


def merge(documents: Sequence[Document], problems: list[Problem]) -> Content:
    """Lay overlays over the table in their order; conflicts go to `problems`."""
    entries = _timeline((entry for document in documents for entry in document.entries), problems)
    factors = _timeline((factor for document in documents for factor in document.factors), problems)
    tools = _timeline((tool for document in documents for tool in document.tools), problems)
    declarations = [model for document in documents for model in document.models]
    models = _models(declarations, entries, problems)
    _check_names(declarations, problems)
    declared_at = {model.id: model.origin for model in reversed(declarations)}
    return Content(models, entries, factors, tools, declared_at)


def _timeline(items: Iterable[Dated], problems: list[Problem]) -> tuple[Dated, ...]:
    by_series: dict[tuple[str, ...], list[Dated]] = {}
    for item in items:
        by_series.setdefault(item.series, []).append(item)
    return tuple(item for series in by_series.values() for item in _one_series(series, problems))


def _one_series(items: list[Dated], problems: list[Problem]) -> list[Dated]:
    by_start = sorted(items, key=lambda item: (item.span.start, item.origin.rank))
    ordered = [_ended(earlier, later) for earlier, later in pairwise(by_start)] + by_start[-1:]
    for index, later in enumerate(ordered):
        for earlier in ordered[:index]:
            if earlier.span.meets(later.span):
                where = f"{earlier.origin.file}: {earlier.origin.label}"
                problems.append(later.origin.problem(f"overlaps {earlier.name} ({where})"))
    return ordered


def _ended(earlier: Dated, later: Dated) -> Dated:
    # Only an entry left open may be ended from outside, and only by a file that came after its own.
    is_open, is_newer = earlier.span.end is None, later.span.start > earlier.span.start
    if is_open and is_newer and later.origin.rank > earlier.origin.rank:
        return replace(earlier, span=Span(earlier.span.start, later.span.start))
    return earlier


def _models(
    declarations: Sequence[ModelDeclaration], entries: Sequence[Entry], problems: list[Problem]
) -> tuple[Model, ...]:
    merged: dict[str, ModelDeclaration] = {}
    for declared in declarations:
        known = merged.get(declared.id)
        merged[declared.id] = declared if known is None else _add(known, declared, problems)
    launches = _launches(entries)
    for entry in entries:
        if entry.model not in merged:
            problems.append(entry.origin.problem(f"model {entry.model} is not declared"))
    return tuple(_model(declared, launches, problems) for declared in merged.values())


def _launches(entries: Sequence[Entry]) -> dict[str, date]:
    launches: dict[str, date] = {}
    for entry in entries:
        if entry.kind == STANDARD:
            launches[entry.model] = min(entry.span.start, launches.get(entry.model, NEVER))
    return launches


def _add(known: ModelDeclaration, more: ModelDeclaration, problems: list[Problem]) -> ModelDeclaration:
    if known.origin.rank == more.origin.rank:
        problems.append(more.origin.problem(f"model {more.id} is declared twice"))
        return known
    for key in ("display_name", "family", "retired_on"):
        before, after = getattr(known, key), getattr(more, key)
        if None not in (before, after) and before != after:
            problems.append(more.origin.problem(f"{key} of {more.id} is already {before}"))
    new = tuple(alias for alias in more.aliases if alias not in known.aliases)
    return replace(known, aliases=known.aliases + new, retired_on=known.retired_on or more.retired_on)


def _model(declared: ModelDeclaration, launches: dict[str, date], problems: list[Problem]) -> Model:
    for key in ("display_name", "family"):
        if getattr(declared, key) is None:
            problems.append(declared.origin.problem(f"{key} is missing"))
    launched = launches.get(declared.id, NEVER)
    if declared.retired_on and launched is not NEVER and declared.retired_on < launched:
        problems.append(declared.origin.problem(f"retired_on {declared.retired_on} is before the launch {launched}"))
    return Model(
        declared.id,
        declared.aliases,
        declared.display_name or declared.id,
        declared.family or "",
        launched,
        declared.retired_on,
    )


def _check_names(declarations: Sequence[ModelDeclaration], problems: list[Problem]) -> None:
    owners = {declared.id: declared.id for declared in declarations}
    for declared in declarations:
        if len(set(declared.aliases)) != len(declared.aliases):
            problems.append(declared.origin.problem("the same alias is given twice"))
        for alias in declared.aliases:
            owner = owners.setdefault(alias, declared.id)
            if owner != declared.id or alias == declared.id:
                problems.append(declared.origin.problem(f"alias {alias} already names {owner}"))
