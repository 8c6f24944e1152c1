"""Price tables: loaded, validated, and asked for the rates in force."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pricing.merge import Content, merge
from pricing.reading import read
from pricing.resolve import CONTEXTS, GEOS, SPEEDS, TIERS, UNKNOWN, resolve, unpriced
from pricing.schema import Entry, Factor, Model, PriceTableError, Problem, Rates, ToolPrice
from pricing.validate import validate

__all__ = [
    "Entry",
    "Model",
    "PriceTable",
    "PriceTableError",
    "Problem",
    "Rates",
    "ToolPrice",
    "from_file",
    "from_sources",
    "load",
    "shipped_source",
]

SHIPPED = Path(__file__).parent / "tables" / "claude.toml"
Dims = tuple[str, str, str, str, str]
_Key = tuple[str | None, int, str, str, str, str]


class PriceTable:
    """A valid table with its overlays, immutable.

    Shape: `version` is the table's name, its newest effective date and eight hex digits of the content's digest;
    `sources` are the (file name, TOML text) pairs it was built from.
    """

    def __init__(self, name: str, content: Content, sources: tuple[tuple[str, str], ...]) -> None:
        self.content = content
        self.sources = sources
        self.version = _version(name, content)
        self._models = {known: model for model in content.models for known in (model.id, *model.aliases)}
        self._breaks = {model.id: _breaks(content, model) for model in content.models}
        self._tool_breaks = _breaks(content, None)
        self._cache: dict[_Key, Rates] = {}

    def model(self, name: str) -> Model | None:
        """The model with this id or declared alias; nothing is ever guessed."""
        return self._models.get(name)

    def models(self) -> tuple[Model, ...]:
        """Every model, in the order of the table."""
        return self.content.models

    def tool_prices(self, day: date) -> tuple[ToolPrice, ...]:
        """The server tools' prices in force on a day, those without a quantity in any report included."""
        return tuple(tool for tool in self.content.tools if tool.span.holds(day))

    def depends_on_context(self, day: date) -> bool:
        """Whether any model has a price on this day that depends on the context window."""
        return any(entry.threshold_tokens is not None and entry.span.holds(day) for entry in self.content.entries)

    def resolve(
        self,
        model: str,
        day: date,
        service_tier: str | None = None,
        context_window: str | None = None,
        inference_geo: str | None = None,
        speed: str | None = None,
    ) -> Rates:
        """The rates in force; values the table does not know make tokens unpriced, never an error."""
        if isinstance(day, datetime):
            day = day.date()
        found = self._models.get(model) if isinstance(model, str) else None
        # Between two breaks nothing changes, so one answer serves every day and the cache stays small.
        breaks = self._tool_breaks if found is None else self._breaks[found.id]
        key = (
            None if found is None else found.id,
            bisect_right(breaks, day),
            _fold(TIERS, service_tier),
            _fold(CONTEXTS, context_window),
            _fold(GEOS, inference_geo),
            _fold(SPEEDS, speed),
        )
        rates = self._cache.get(key)
        if rates is None:
            rates = self._cache[key] = self._answer(found, day, key)
        return rates

    def on(self, day: date) -> RatesOfDay:
        """The rates of one day, each looked up once: for pricing many series of it."""
        return RatesOfDay(self, day)

    def _answer(self, model: Model | None, day: date, key: _Key) -> Rates:
        web = next((tool for tool in self.tool_prices(day) if tool.tool == "web_search"), None)
        if model is None:
            return unpriced(None, "unknown_model", web)
        return resolve(self.content, model, day, *key[2:], web)


class RatesOfDay(dict[Dims, Rates]):
    """Rates by (model, service tier, context window, geography, speed) as reported, looked up when first asked for."""

    def __init__(self, table: PriceTable, day: date) -> None:
        super().__init__()
        self._table, self._day = table, day

    def __missing__(self, dims: Dims) -> Rates:
        rates = self[dims] = self._table.resolve(dims[0], self._day, *dims[1:])
        return rates


def load(overlays: Sequence[Path] = ()) -> PriceTable:
    """The shipped table with overlay files laid over it in order.

    Raises: PriceTableError with every problem of every file.
    """
    return from_sources([shipped_source(), *_read_files([(path, path.name) for path in overlays])])


def from_file(path: Path) -> PriceTable:
    """One file on its own when it is a whole table, else laid over the shipped table.

    Raises: PriceTableError with every problem; places name the file as it was given.
    """
    sources = _read_files([(path, str(path))])
    if read(*sources[0], 0).table is not None:
        return from_sources(sources)
    return from_sources([shipped_source(), *sources])


def shipped_source() -> tuple[str, str]:
    """The shipped table as (file name, TOML text)."""
    return SHIPPED.name, SHIPPED.read_text(encoding="utf-8")


def _read_files(files: Sequence[tuple[Path, str]]) -> list[tuple[str, str]]:
    sources, problems = [], []
    for path, name in files:
        try:
            sources.append((name, path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            problems.append(Problem(name, "", f"cannot be read: {error}"))
    if problems:
        raise PriceTableError(tuple(problems))
    return sources


def from_sources(sources: Sequence[tuple[str, str]]) -> PriceTable:
    """A table from (file name, TOML text) pairs: first the table, then overlays in order.

    Raises: PriceTableError with every problem of every file.
    """
    documents = [read(file, text, rank) for rank, (file, text) in enumerate(sources)]
    problems = [problem for document in documents for problem in document.problems]
    if not documents:
        problems.append(Problem("", "", "there is no table"))
    for document in documents[:1]:
        if document.table is None and not document.problems:
            problems.append(Problem(document.file, "", 'table = "name" is missing'))
    for document in documents[1:]:
        if document.table is not None:
            problems.append(Problem(document.file, "", "an overlay must not have the key table"))
    content = merge(documents, problems)
    broken = frozenset(name for document in documents for name in document.broken)
    problems += validate(content, broken)
    if problems or documents[0].table is None:
        raise PriceTableError(tuple(dict.fromkeys(problems)))
    return PriceTable(documents[0].table, content, tuple(sources))


def _fold(known: dict[str | None, str], value: str | None) -> str:
    if value is None or isinstance(value, str):
        return known.get(value, UNKNOWN)
    return UNKNOWN


def _breaks(content: Content, model: Model | None) -> list[date]:
    """The days on which an answer about one model, or about none, may change."""
    entries = [entry for entry in content.entries if model is not None and entry.model == model.id]
    spans = [item.span for item in entries]
    spans += [factor.span for factor in content.factors]
    spans += [tool.span for tool in content.tools]
    days = {span.start for span in spans} | {span.end for span in spans if span.end is not None}
    if model is not None and model.retired_on is not None:
        days.add(model.retired_on + timedelta(days=1))
    return sorted(days)


def _version(name: str, content: Content) -> str:
    rows = [asdict(model) for model in content.models]
    rows += [_row(entry) for entry in content.entries]
    rows += [_row(factor) for factor in content.factors]
    rows += [_row(tool) for tool in content.tools]
    # Sorted text of every field: comments, order and layout of the files do not change a version, content does.
    lines = sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]
    newest = max((entry.span.start for entry in content.entries), default=date.min)
    return f"{name}-{newest}+{digest}"


def _row(item: Entry | Factor | ToolPrice) -> dict[str, Any]:
    row = asdict(item)
    del row["origin"]
    return row
