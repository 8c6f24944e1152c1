"""A small table that is valid, to be broken in one place at a time."""

from __future__ import annotations

from pricing.table import PriceTable, PriceTableError, Problem, from_sources

TABLE = """\
table = "small"

[[factor]]
name = "batch"
factor = "0.5"
effective_from = 2026-01-01
source = "page"
checked = 2026-11-20
confidence = "high"

[[factor]]
name = "us"
factor = "1.1"
effective_from = 2026-01-01
source = "page"
checked = 2026-11-20
confidence = "high"

[[tool]]
name = "web_search"
usd = "0.01"
unit = "request"
effective_from = 2026-01-01
source = "page"
checked = 2026-11-20
confidence = "high"

[[model]]
id = "model-a"
aliases = ["a"]
display_name = "A"
family = "Letters"

[[entry]]
model = "model-a"
kind = "standard"
effective_from = 2026-01-01
batch = true
geo = true
source = "page"
checked = 2026-11-20
confidence = "high"
usd_per_mtok = { uncached_input_tokens = "4", output_tokens = "20" }
"""


def entry(
    start: str,
    *,
    model: str = "model-a",
    kind: str = "standard",
    end: str = "",
    prices: str = 'output_tokens = "10"',
    batch: str = "false",
    geo: str = "false",
    more: str = "",
) -> str:
    """One entry as TOML."""
    until = f"effective_to = {end}\n" if end else ""
    return (
        f'[[entry]]\nmodel = "{model}"\nkind = "{kind}"\neffective_from = {start}\n{until}'
        f"batch = {batch}\ngeo = {geo}\n"
        f'source = "page"\nchecked = 2026-11-20\nconfidence = "low"\n{more}usd_per_mtok = {{ {prices} }}\n'
    )


def model(name: str, more: str = "") -> str:
    """One model as TOML."""
    return f'[[model]]\nid = "{name}"\ndisplay_name = "{name.upper()}"\nfamily = "Letters"\n{more}'


def build(*texts: str) -> PriceTable:
    """A table from texts: the table first, overlays after."""
    names = ["small.toml", "first.toml", "second.toml"]
    return from_sources(list(zip(names, texts, strict=False)))


def problems(*texts: str) -> tuple[Problem, ...]:
    """Everything wrong with the texts."""
    try:
        build(*texts)
    except PriceTableError as error:
        return error.problems
    return ()


def reasons(*texts: str) -> list[str]:
    """The reasons alone."""
    return [problem.reason for problem in problems(*texts)]
