"""One TOML text read into declarations; every mistake becomes a problem with its place."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pricing import fields
from pricing.fields import Row
from pricing.meters import TOKEN_METERS, TOOLS
from pricing.schema import (
    CONFIDENCES,
    FACTORS,
    FAST_LONG_CONTEXT,
    KINDS,
    LONG_CONTEXT,
    STANDARD,
    Entry,
    Factor,
    ModelDeclaration,
    Origin,
    Problem,
    Span,
    ToolPrice,
)

_SECTIONS = ("model", "entry", "factor", "tool")
_MAX_THRESHOLD = 1_000_000_000


@dataclass(slots=True)
class Document:
    """What one file declares, as far as it could be read.

    Shape: `table` is the table's name, or None in an overlay; `broken` names models and factors with a refused entry,
    about which nothing more can be concluded.
    """

    file: str
    table: str | None = None
    models: list[ModelDeclaration] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    tools: list[ToolPrice] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)


def read(file: str, text: str, rank: int) -> Document:
    """Read one file; `rank` 0 is the table itself, overlays follow in order."""
    document = Document(file)
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        document.problems.append(Problem(file, "", f"not TOML: {error or type(error).__name__}"))
        return document
    top = Row(Origin(file, "", rank), data, document.problems)
    document.table = top.text("table", fields.IDENTIFIER)
    top.text("overlay", fields.IDENTIFIER)
    for section in _SECTIONS:
        for origin, row in _rows(top.take(section), section, text, top):
            _READERS[section](Row(origin, row, document.problems), document)
    top.finish()
    return document


def _rows(value: Any, section: str, text: str, top: Row) -> list[tuple[Origin, dict[str, Any]]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        top.refuse(f"{section} must be written as [[{section}]]")
        return []
    header = re.compile(rf"^[ \t]*\[\[[ \t]*{section}[ \t]*\]\]", re.MULTILINE)
    lines = [text.count("\n", 0, match.start()) + 1 for match in header.finditer(text)]
    # Inline arrays and look-alikes inside long strings have no header line of their own: then no line is better.
    known = lines if len(lines) == len(value) else [0] * len(value)
    return [
        (Origin(top.origin.file, _label(section, index, row, line), top.origin.rank), row)
        for index, (row, line) in enumerate(zip(value, known, strict=True), start=1)
    ]


def _label(section: str, index: int, row: dict[str, Any], line: int) -> str:
    keys = ("id", "name", "model", "kind", "effective_from")
    words = " ".join(str(row[key])[:80] for key in keys if key in row)
    place = f", line {line}" if line else ""
    return f"{section} {index} ({words}){place}" if words else f"{section} {index}{place}"


def _read_model(row: Row, document: Document) -> None:
    name = row.text("id", fields.IDENTIFIER, required=True)
    aliases = row.texts("aliases", fields.IDENTIFIER)
    display_name, family = row.text("display_name"), row.text("family")
    retired_on = row.day("retired_on")
    row.finish()
    if name is not None:
        document.models.append(ModelDeclaration(name, aliases, display_name, family, retired_on, row.origin))


def _read_entry(row: Row, document: Document) -> None:
    model = row.text("model", fields.IDENTIFIER, required=True)
    kind = row.choice("kind", KINDS)
    span = _span(row)
    threshold = row.whole("threshold_tokens", 1, _MAX_THRESHOLD)
    rates = _rates(row)
    batch, geo = row.flag("batch"), row.flag("geo")
    provenance = _provenance(row)
    row.finish()
    _check_kind(row, kind, threshold, batch)
    if model and kind and span and rates and provenance:
        document.entries.append(Entry(model, kind, span, threshold, rates, batch, geo, *provenance, row.origin))
    elif model:
        document.broken.add(model)


def _check_kind(row: Row, kind: str | None, threshold: int | None, batch: bool) -> None:
    if kind in (LONG_CONTEXT, FAST_LONG_CONTEXT) and threshold is None and not row.had("threshold_tokens"):
        row.refuse(f"kind {kind} needs threshold_tokens")
    if kind not in (LONG_CONTEXT, FAST_LONG_CONTEXT, None) and threshold is not None:
        row.refuse(f"kind {kind} has no threshold_tokens")
    if kind not in (STANDARD, LONG_CONTEXT, None) and batch:
        row.refuse("fast prices do not exist in batches: batch must be false")


def _rates(row: Row) -> tuple[int | None, ...] | None:
    table = row.table("usd_per_mtok")
    if table is None:
        return None
    rates = {meter: table.rate(meter) for meter in TOKEN_METERS}
    table.finish("unknown meter")
    if not any(map(table.had, TOKEN_METERS)):
        row.refuse("usd_per_mtok names no price")
    return tuple(rates.values())


def _read_factor(row: Row, document: Document) -> None:
    name = row.choice("name", FACTORS)
    value = row.factor("factor")
    span = _span(row)
    provenance = _provenance(row)
    row.finish()
    if name and value and span and provenance:
        text, numerator, denominator = value
        document.factors.append(Factor(name, text, numerator, denominator, span, *provenance, row.origin))
    else:
        document.broken.update(FACTORS)


def _read_tool(row: Row, document: Document) -> None:
    name = row.choice("name", TOOLS)
    price = row.price("usd")
    unit = row.text("unit", required=True)
    span = _span(row)
    provenance = _provenance(row)
    row.finish()
    if name and price is not None and unit and span and provenance:
        document.tools.append(ToolPrice(name, price, unit, span, *provenance, row.origin))


def _span(row: Row) -> Span | None:
    start, end = row.day("effective_from", required=True), row.day("effective_to")
    if start and end and end <= start:
        row.refuse(f"effective_to {end} is not after effective_from {start}")
        return None
    return Span(start, end) if start else None


def _provenance(row: Row) -> tuple[str, date, str, str] | None:
    source, checked = row.text("source", required=True), row.day("checked", required=True)
    confidence = row.choice("confidence", CONFIDENCES)
    notes = row.text("notes") or ""
    return (source, checked, confidence, notes) if source and checked and confidence else None


_READERS = {"model": _read_model, "entry": _read_entry, "factor": _read_factor, "tool": _read_tool}
