"""What a price table may not say: refused with file, entry and reason, everything at once (MON-07)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pricing.__main__ import main
from pricing.table import SHIPPED, Problem, load, shipped_source
from tests.pricing.small import TABLE, build, entry, model, problems, reasons


def test_the_small_table_is_good() -> None:
    assert problems(TABLE) == ()


def test_the_shipped_table_is_good() -> None:
    assert main(["check", str(SHIPPED)]) == 0


REPLACED = [
    ('output_tokens = "20"', 'output_tokens = "-20"', "usd_per_mtok.output_tokens is negative: -20"),
    ('output_tokens = "20"', 'output_tokens = "1000.01"', "usd_per_mtok.output_tokens is absurd: 1000.01 is more than"),
    ('output_tokens = "20"', "output_tokens = 20", 'usd_per_mtok.output_tokens must be a price in quotes, such as "0'),
    ('output_tokens = "20"', "output_tokens = 0.1", 'usd_per_mtok.output_tokens must be a price in quotes, such as "0'),
    ('output_tokens = "20"', 'output_tokens = "2e1"', "usd_per_mtok.output_tokens must be a plain decimal number such"),
    ('output_tokens = "20"', 'output_tokens = "NaN"', "usd_per_mtok.output_tokens must be a plain decimal number such"),
    ('output_tokens = "20"', 'output_tokens = "0.0000001"', "usd_per_mtok.output_tokens is not a whole number of pico"),
    ('output_tokens = "20"', 'output_tokens = "0.0000000000001"', "usd_per_mtok.output_tokens is not a whole number"),
    ('output_tokens = "20"', 'output_tokens = "0.000001"', "output_tokens with us 1.1 is not a whole number of pico-d"),
    ('output_tokens = "20"', 'output_tokens = "0.000010"', "output_tokens with batch 0.5 and us 1.1 is not a whole"),
    ('output_tokens = "20"', 'thinking_tokens = "20"', "unknown meter usd_per_mtok.thinking_tokens"),
    ("usd_per_mtok = {", "prices = {", "usd_per_mtok is missing"),
    ("geo = true", 'geo = true\ncolour = "red"', "unknown key colour"),
    ('table = "small"', 'table = "small"\ncurrency = "USD"', "unknown key currency"),
    ('table = "small"', "", 'table = "name" is missing'),
    ('kind = "standard"', 'kind = "turbo"', "kind must be one of standard, long_context, fast, fast_long_context"),
    ('kind = "standard"', "", "kind is missing"),
    ('model = "model-a"', 'model = "model-b"', "model model-b is not declared"),
    ('model = "model-a"', 'model = "model a"', "model must be an identifier, not 'model a'"),
    ("batch = true", "", "batch is missing"),
    ("batch = true", 'batch = "yes"', "batch must be true or false, not 'yes'"),
    ('display_name = "A"', "", "display_name is missing"),
    ('aliases = ["a"]', 'aliases = ["a", "a"]', "the same alias is given twice"),
    ('aliases = ["a"]', 'aliases = ["model-a"]', "alias model-a already names model-a"),
    ('aliases = ["a"]', "aliases = [1]", "aliases must be a list of identifiers"),
    ('aliases = ["a"]', "retired_on = 2025-12-31", "retired_on 2025-12-31 is before the launch 2026-01-01"),
    ('factor = "1.1"', 'factor = "0"', "factor must be greater than 0"),
    ('factor = "1.1"', "factor = 1.1", 'factor must be a decimal factor in quotes, such as "0.5"'),
    ('name = "us"', 'name = "eu"', "name must be one of batch, us, not 'eu'"),
    ('name = "web_search"', 'name = "web_serch"', "name must be one of web_search, code_execution, session"),
    ('usd = "0.01"', 'usd = "-0.01"', "usd is negative: -0.01"),
]


@pytest.mark.parametrize(("old", "new", "reason"), REPLACED)
def test_one_mistake_is_refused_with_its_reason(old: str, new: str, reason: str) -> None:
    assert TABLE.count(old) >= 1
    found = reasons(TABLE.replace(old, new))
    assert any(one.startswith(reason) for one in found), found


@pytest.mark.parametrize(
    "value",
    ['"2026-01-01"', "2026-01-01T00:00:00Z", "20260101", "9999-12-31", "1999-12-31"],
)
def test_a_day_is_a_plausible_toml_date(value: str) -> None:
    broken = TABLE.replace("effective_from = 2026-01-01", f"effective_from = {value}")
    assert any("effective_from must be a date such as 2026-11-09" in one for one in reasons(broken))


def test_a_problem_names_file_entry_and_line() -> None:
    assert problems(TABLE.replace('output_tokens = "20"', 'output_tokens = "-20"')) == (
        Problem(
            "small.toml",
            "entry 1 (model-a standard 2026-01-01), line 34",
            "usd_per_mtok.output_tokens is negative: -20",
        ),
    )


def test_all_problems_come_at_once() -> None:
    broken = TABLE.replace('"20"', '"-20"').replace('"4"', '"4000"').replace('"0.01"', '"x"') + model("model-b")
    assert (
        reasons(broken)
        == [
            "usd must be a plain decimal number such as \"0.25\", not 'x'",
            "usd_per_mtok.uncached_input_tokens is absurd: 4000 is more than 1000 USD",
            "usd_per_mtok.output_tokens is negative: -20",
            "model model-b has no standard price",
        ]
        or len(reasons(broken)) == 4
    )


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    assert reasons("table = ") == ["not TOML: Invalid value (at end of document)"]
    (problem,) = problems('table = "x"\n[[model]')
    assert problem.file == "small.toml"
    assert problem.reason.startswith("not TOML: ")
    assert "line 2" in problem.reason


@pytest.mark.parametrize("text", ["entry = 1", "entry = [1]", "[entry]", "model = {}"])
def test_sections_of_the_wrong_shape_are_refused(text: str) -> None:
    assert any("must be written as [[" in one for one in reasons(text + "\n"))


def test_overlaps_inside_one_file_are_refused_even_after_an_open_entry() -> None:
    found = problems(TABLE + entry("2026-05-01"))
    assert [one.reason for one in found] == [
        "overlaps model-a standard 2026-01-01 (small.toml: entry 1 (model-a standard 2026-01-01), line 34)"
    ]


def test_a_short_entry_inside_a_long_one_is_an_overlap_with_it() -> None:
    closed = TABLE.replace('kind = "standard"', 'kind = "standard"\neffective_to = 2026-12-01')
    more = entry("2026-02-01", end="2026-03-01") + entry("2026-12-01")
    assert [one.split(" (")[0] for one in reasons(closed + more)] == ["overlaps model-a standard 2026-01-01"]


def test_the_same_day_twice_is_an_overlap() -> None:
    assert any(one.startswith("overlaps") for one in reasons(TABLE + entry("2026-01-01")))


def test_a_gap_between_two_prices_of_a_model_is_refused() -> None:
    closed = TABLE.replace('kind = "standard"', 'kind = "standard"\neffective_to = 2026-03-01')
    assert reasons(closed + entry("2026-03-02")) == ["gap: model-a has no price from 2026-03-01 to 2026-03-02"]
    assert reasons(closed + entry("2026-03-01")) == []


def test_a_last_price_that_ends_while_the_model_lives_is_a_gap() -> None:
    closed = TABLE.replace('kind = "standard"', 'kind = "standard"\neffective_to = 2026-03-01')
    assert reasons(closed) == ["gap: model-a has no price from 2026-03-01 and no retired_on"]
    retired = closed.replace('family = "Letters"', 'family = "Letters"\nretired_on = 2026-03-01')
    assert reasons(retired) == ["gap: model-a has no price from 2026-03-01 to 2026-03-02"]
    assert reasons(retired.replace("retired_on = 2026-03-01", "retired_on = 2026-02-28")) == []


def test_a_pause_in_fast_prices_is_no_gap() -> None:
    pause = entry("2026-02-01", kind="fast", end="2026-03-01") + entry("2026-04-01", kind="fast")
    assert reasons(TABLE + pause) == []


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    assert "effective_to 2026-01-01 is not after effective_from 2026-01-01" in reasons(
        TABLE + entry("2026-01-01", kind="fast", end="2026-01-01")
    )


def test_other_prices_may_not_start_before_the_model() -> None:
    assert reasons(TABLE + entry("2025-12-31", kind="fast")) == ["starts before the first standard price of model-a"]


def test_a_threshold_belongs_to_long_context_and_only_there() -> None:
    assert reasons(TABLE + entry("2026-02-01", kind="long_context")) == ["kind long_context needs threshold_tokens"]
    with_threshold = entry("2026-02-01", kind="fast", more="threshold_tokens = 100_000\n")
    assert reasons(TABLE + with_threshold) == ["kind fast has no threshold_tokens"]
    nothing = entry("2026-02-01", kind="long_context", more="threshold_tokens = 0\n")
    assert reasons(TABLE + nothing) == ["threshold_tokens must be a whole number from 1 to 1000000000, not '0'"]


def test_fast_prices_are_never_for_batches() -> None:
    assert reasons(TABLE + entry("2026-02-01", kind="fast", batch="true")) == [
        "fast prices do not exist in batches: batch must be false"
    ]


def test_an_entry_needs_its_factors_over_its_whole_life() -> None:
    early = model("model-b") + entry("2025-12-31", model="model-b", batch="true", geo="true")
    assert reasons(TABLE + early) == [
        "the factor batch is not in force over the whole entry",
        "the factor us is not in force over the whole entry",
    ]


def test_an_entry_without_any_price_is_refused() -> None:
    assert reasons(TABLE + entry("2026-02-01", kind="fast", prices="")) == ["usd_per_mtok names no price"]


def test_a_model_may_be_declared_once_per_file() -> None:
    assert reasons(TABLE + model("model-a"))[0] == "model model-a is declared twice"


def test_an_alias_may_not_name_two_models() -> None:
    second = model("model-b", 'aliases = ["a"]\n') + entry("2026-02-01", model="model-b")
    assert reasons(TABLE + second) == ["alias a already names model-a"]


def test_an_overlay_may_not_be_a_second_table() -> None:
    assert reasons(TABLE, 'table = "other"') == ["an overlay must not have the key table"]


def test_nothing_is_no_table() -> None:
    assert reasons() == ["there is no table"]


def test_check_of_an_overlay_includes_what_it_would_do_to_the_shipped_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(entry("2026-09-22", model="claude-opus-5-5") + entry("2027-01-01", model="nobody"))
    assert main(["check", str(overlay)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{overlay}: entry 1 (claude-opus-5-5 standard 2026-09-22), line 1: overlaps claude-opus-5-5 standard "
        f"2026-09-22 ({_shipped_label()})",
        f"{overlay}: entry 2 (nobody standard 2027-01-01), line 11: model nobody is not declared",
    ]


def _shipped_label() -> str:
    found = next(e for e in load().content.entries if e.name == "claude-opus-5-5 standard 2026-09-22")
    return f"claude.toml: {found.origin.label}"


def test_check_says_what_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(entry("2027-01-01", model="claude-opus-5-5"))
    assert main(["check", str(overlay)]) == 0
    assert capsys.readouterr().out.startswith(f"{overlay}: good: 62 entries of 38 models, claude-2027-01-01+")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_check_of_a_file_that_cannot_be_read_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: cannot be read: ")


def test_sources_rebuild_the_same_table() -> None:
    table = build(TABLE, entry("2026-06-01"))
    assert build(*(text for _, text in table.sources)).version == table.version
    assert load().sources == (shipped_source(),)
