"""What changed from one table to another, entry by entry."""

from __future__ import annotations

from pricing.meters import TOKEN_METERS
from pricing.money import format_usd
from pricing.schema import Entry, Factor, Model, ToolPrice
from pricing.table import PriceTable

_TOKENS_PER_PRICE = 1_000_000
_Described = dict[str, dict[str, str]]


def differences(old: PriceTable, new: PriceTable) -> list[str]:
    """One line per thing that was added (+), removed (-) or changed (~); empty when the content is the same."""
    before, after = _describe(old), _describe(new)
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"- {name}: {_listed(before[name])}")
        elif name not in before:
            lines.append(f"+ {name}: {_listed(after[name])}")
        else:
            lines += _changes(name, before[name], after[name])
    return lines


def _changes(name: str, before: dict[str, str], after: dict[str, str]) -> list[str]:
    keys = [*before, *(key for key in after if key not in before)]
    return [
        f"~ {name}: {key} {before.get(key, 'none')} -> {after.get(key, 'none')}"
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _describe(table: PriceTable) -> _Described:
    content = table.content
    described: _Described = {f"model {model.id}": _model(model) for model in content.models}
    described |= {f"entry {entry.name}": _entry(entry) for entry in content.entries}
    described |= {f"factor {item.factor} {item.span.start}": _factor(item) for item in content.factors}
    described |= {f"tool {tool.name}": _tool(tool) for tool in content.tools}
    return described


def _model(model: Model) -> dict[str, str]:
    said = {"name": model.display_name, "family": model.family, "aliases": " ".join(model.aliases)}
    return _without_blanks({**said, "launched": str(model.launched), "retired_on": str(model.retired_on or "")})


def _entry(entry: Entry) -> dict[str, str]:
    prices = {
        meter: format_usd(rate * _TOKENS_PER_PRICE)
        for meter, rate in zip(TOKEN_METERS, entry.rates, strict=True)
        if rate is not None
    }
    rest = {
        "threshold_tokens": str(entry.threshold_tokens or ""),
        "batch": "yes" if entry.batch else "no",
        "geo": "yes" if entry.geo else "no",
    }
    return _without_blanks({**prices, **rest, **_provenance(entry)})


def _factor(factor: Factor) -> dict[str, str]:
    return _without_blanks({"factor": factor.text, **_provenance(factor)})


def _tool(tool: ToolPrice) -> dict[str, str]:
    return _without_blanks({"usd": format_usd(tool.price), "unit": tool.unit, **_provenance(tool)})


def _provenance(item: Entry | Factor | ToolPrice) -> dict[str, str]:
    return {
        "effective_to": str(item.span.end or ""),
        "source": item.source,
        "checked": str(item.checked),
        "confidence": item.confidence,
        "notes": item.notes,
    }


def _without_blanks(values: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}
