"""Quotes as a filter: lines on standard input, as many lines on standard output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pricing.quote import invalid_line, quote_line
from pricing.table import PriceTable

MAX_LINE = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def quote_stream(table: PriceTable, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer every line of `source` on `sink`, in order, each as soon as it is known.

    Raises: BrokenPipeError when the reader of `sink` has gone.
    """
    for line in _lines(source):
        answer = invalid_line(table, f"line: longer than {MAX_LINE} bytes") if line is None else quote_line(table, line)
        sink.write(answer.encode("ascii") + b"\n")
        sink.flush()


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Every line; None for one that is too long to hold."""
    first = True
    while line := source.readline(MAX_LINE + 1):
        if first:
            line, first = line.removeprefix(_BOM), False
        if len(line) <= MAX_LINE or line.endswith(b"\n"):
            yield line
            continue
        while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
        yield None
