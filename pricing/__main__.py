"""The command line: `python -m pricing quote / show / check / diff`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pricing.compare import differences
from pricing.show import Question, answer, as_json, as_text
from pricing.stream import quote_stream
from pricing.table import PriceTable, PriceTableError, from_file, load

OVERLAY_SETTING = "COSTWATCH_PRICES_FILE"
SHIPPED_WORD = "shipped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except PriceTableError as error:
        print(error, file=sys.stderr)
        return 2 if options.run is _diff else 1
    except BrokenPipeError:
        # The reader has what it wanted. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status


def _quote(options: argparse.Namespace) -> int:
    quote_stream(_table(), sys.stdin.buffer, sys.stdout.buffer)
    return 0


def _show(options: argparse.Namespace) -> int:
    table = _table()
    question = Question(
        options.model,
        options.date,
        options.service_tier,
        options.context_window,
        options.inference_geo,
        options.speed,
    )
    text = as_json(table, question) if options.format == "json" else as_text(table, question)
    # A model name is whatever was typed: the terminal decides what it can show.
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
    return 0 if any(price is not None for price in answer(table, question).low[:-1]) else 1


def _check(options: argparse.Namespace) -> int:
    table = from_file(Path(options.file))
    count = len(table.content.entries)
    print(f"{options.file}: good: {count} entries of {len(table.models())} models, {table.version}")
    return 0


def _diff(options: argparse.Namespace) -> int:
    old, new = (load() if name == SHIPPED_WORD else from_file(Path(name)) for name in (options.old, options.new))
    lines = differences(old, new)
    print(f"{old.version} -> {new.version}")
    for line in lines:
        print(line)
    return 1 if lines else 0


def _table() -> PriceTable:
    overlay = os.environ.get(OVERLAY_SETTING, "")
    return load([Path(overlay)] if overlay else [])


def _day(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        raise ValueError("not YYYY-MM-DD")
    return date.fromisoformat(text)


_day.__name__ = "YYYY-MM-DD day"  # argparse names the function when it refuses a value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pricing", description="Exact, dated Claude API list prices.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    quote = commands.add_parser("quote", help="price usage: one JSON object per line in, one per line out")
    quote.set_defaults(run=_quote)

    show = commands.add_parser("show", help="the rates in force for a model on a day")
    show.add_argument("--model", required=True)
    show.add_argument("--date", required=True, type=_day)
    for name in ("--service-tier", "--context-window", "--inference-geo", "--speed"):
        show.add_argument(name)
    show.add_argument("--format", choices=("text", "json"), default="text")
    show.set_defaults(run=_show)

    check = commands.add_parser("check", help="validate a price table, or an overlay on top of the shipped table")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(run=_check)

    diff = commands.add_parser("diff", help=f"compare two tables or overlays; '{SHIPPED_WORD}' is the shipped table")
    diff.add_argument("old", metavar="OLD")
    diff.add_argument("new", metavar="NEW")
    diff.set_defaults(run=_diff)
    return parser


if __name__ == "__main__":
    sys.exit(main())
