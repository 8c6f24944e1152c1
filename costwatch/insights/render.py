"""A report as text: JSON, CSV or a table for people."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
FORMATS = ("table", "csv", "json")
# A spreadsheet runs a cell that begins like this; full-width forms count too.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
_PICTURES = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}


def render(report: Json, columns: Sequence[str], form: str) -> str:
    """A report in one of the three formats, ending with a line break."""
    if form == "json":
        return json.dumps(report, ensure_ascii=False, separators=(", ", ": ")) + "\n"
    return to_csv(report, columns) if form == "csv" else to_table(report, columns)


def to_csv(report: Json, columns: Sequence[str]) -> str:
    """Column names, then one row per line; provenance is in columns."""
    rows = [
        row | {"data_through": report["data_through"], "price_version": report["price_version"]}
        for row in report["rows"]
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [*columns, "data_through", "price_version"]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(name, row[name]) for name in names])
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not name.endswith("_usd"):
        return neutral(value)
    return str(value)


def neutral(text: str) -> str:
    """Text that a spreadsheet shows and never runs, with control characters as pictures."""
    text = text.translate(_PICTURES)
    return "'" + text if text.startswith(_FORMULA) else text


def to_table(report: Json, columns: Sequence[str]) -> str:
    """A table for a terminal, with the range, how far the data goes and the totals."""
    lines = [
        f"{report['report']}, {report['since']} to {report['until']} (until is exclusive), UTC days",
        f"data through {report['data_through'] or 'nothing read yet'}, "
        f"{'complete' if report['complete'] else 'not complete'}, prices {report['price_version']}",
        "",
    ]
    body = [[_of_all(name) if row[name] is None else _shown(row[name]) for name in columns] for row in report["rows"]]
    lines += _aligned(columns, body) if body else ["no rows"]
    if report["totals"]:
        lines += ["", *(f"total {name}: {_shown(value)}" for name, value in report["totals"].items())]
    if "other_currencies" in report:
        lines += [f"not in the totals: {amount} {name}" for name, amount in report["other_currencies"].items()]
    return "\n".join(lines) + "\n"


def _of_all(name: str) -> str:
    """A row without a workspace is about all of them; any other missing value is not known."""
    return "all" if name in ("workspace_id", "workspace_name") else "not known"


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).translate(_PICTURES)


def _aligned(names: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(names[i]), *(len(row[i]) for row in body)) for i in range(len(names))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (names, *body)
    ]
