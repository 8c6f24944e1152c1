"""The rates in force for one question, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from pricing.meters import METERS, REGISTRY
from pricing.money import format_usd
from pricing.table import PriceTable, Rates


@dataclass(frozen=True, slots=True)
class Question:
    """What to show: the dimensions of a quote without quantities."""

    model: str
    day: date
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None


def answer(table: PriceTable, question: Question) -> Rates:
    """The rates in force."""
    return table.resolve(
        question.model,
        question.day,
        question.service_tier,
        question.context_window,
        question.inference_geo,
        question.speed,
    )


def as_json(table: PriceTable, question: Question) -> str:
    """One JSON object: rates per meter, and where they come from."""
    rates = answer(table, question)
    model = table.model(question.model)
    rows = [_row(rates, index) for index in range(len(METERS))]
    tools = [
        {"tool": tool.tool, "unit": tool.unit, "unit_price_usd": format_usd(tool.price), "notes": tool.notes}
        for tool in table.tool_prices(question.day)
    ]
    return json.dumps(
        {
            "model": rates.model,
            "display_name": model.display_name if model else None,
            "date": question.day.isoformat(),
            "rates": rows,
            "factors": list(rates.factors),
            "warnings": list(rates.warnings),
            "entry": rates.entry or None,
            "source": rates.source or None,
            "checked": rates.checked or None,
            "tools": tools,
            "price_version": table.version,
        }
    )


def as_text(table: PriceTable, question: Question) -> str:
    """A table for people."""
    rates = answer(table, question)
    model = table.model(question.model)
    title = f"{model.display_name} ({model.id})" if model else f"{question.model!r} is not in the price table"
    lines = [f"{title} on {question.day}", ""]
    lines += [_line(_row(rates, index)) for index in range(len(METERS))]
    lines += ["", *(_said(name, value) for name, value in _facts(table, rates) if value)]
    lines += ["", "server tools on that day:"]
    for tool in table.tool_prices(question.day):
        lines.append(f"  {tool.tool:<16}{format_usd(tool.price)} USD per {tool.unit}: {tool.notes}")
    return "\n".join(lines)


def _facts(table: PriceTable, rates: Rates) -> tuple[tuple[str, str], ...]:
    return (
        ("factors", ", ".join(rates.factors)),
        ("entry", rates.entry),
        ("source", rates.source),
        ("checked", rates.checked),
        ("warnings", ", ".join(rates.warnings)),
        ("prices", table.version),
    )


def _said(name: str, value: str) -> str:
    return f"{name:<10}{value}"


def _row(rates: Rates, index: int) -> dict[str, Any]:
    meter = REGISTRY[index]
    low, high = rates.low[index], rates.high[index]
    unit = "USD per million tokens" if meter.is_token else f"USD per {meter.unit}"
    return {
        "meter": meter.name,
        "unit": unit,
        "low": None if low is None else format_usd(low * meter.priced_per),
        "high": None if high is None else format_usd(high * meter.priced_per),
        "reason": rates.reasons[index],
    }


def _line(row: dict[str, Any]) -> str:
    if row["reason"] is not None:
        return f"{row['meter']:<28}no price: {row['reason']}"
    price = row["low"] if row["low"] == row["high"] else f"{row['low']} or {row['high']}"
    return f"{row['meter']:<28}{price:<20} {row['unit']}"
