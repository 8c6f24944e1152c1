"""The commands `show` and `diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pricing.__main__ import main
from pricing.table import SHIPPED
from tests.pricing.small import TABLE, entry

OPUS = ["show", "--model", "claude-opus-5-5", "--date", "2026-11-12"]


@pytest.fixture(autouse=True)
def _no_overlay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTWATCH_PRICES_FILE", raising=False)


def test_show_prints_rates_factors_and_where_they_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*OPUS, "--service-tier", "batch", "--inference-geo", "us"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Opus 5.5 (claude-opus-5-5) on 2026-11-12\n")
    for words in ("output_tokens", "11 ", "batch 0.5, us 1.1", "claude-opus-5-5 standard 2026-09-22", "2026-11-20"):
        assert words in text
    assert "0.01 USD per request" in text


def test_show_as_json_has_the_same_rates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*OPUS, "--speed", "fast", "--context-window", "0-200k", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["model"], shown["display_name"]) == ("claude-opus-5-5", "Opus 5.5")
    assert shown["entry"] == "claude-opus-5-5 fast 2026-09-22"
    assert [row["low"] for row in shown["rates"]] == ["8", "10", "16", "0.4", "40", "0.01"]


def test_show_of_a_range_has_both_prices_and_the_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--model", "claude-haiku-5-5", "--date", "2026-11-12"]) == 0
    text = capsys.readouterr().out
    assert "0.5 or 2.5 " in text
    assert "threshold_not_visible" in text


@pytest.mark.parametrize("name", ["nobody", "x\nUnicode \u2028", "\ud800"])
def test_show_of_an_unknown_model_says_so_and_fails(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--model", name, "--date", "2026-11-12"]) == 1
    text = capsys.readouterr().out
    assert "is not in the price table on 2026-11-12" in text
    assert "no price: unknown_model" in text


@pytest.mark.parametrize("day", ["20261112", "2026-13-01", "today", ""])
def test_show_wants_a_day(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["show", "--model", "x", "--date", day])
    assert caught.value.code == 2
    assert "invalid YYYY-MM-DD day value" in capsys.readouterr().err


def test_show_respects_the_overlay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "mine.toml"
    overlay.write_text(entry("2026-11-01", model="claude-opus-5-5", prices='output_tokens = "18"'))
    monkeypatch.setenv("COSTWATCH_PRICES_FILE", str(overlay))
    assert main([*OPUS, "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["entry"] == "claude-opus-5-5 standard 2026-11-01"
    assert shown["rates"][0] == {
        "meter": "uncached_input_tokens",
        "unit": "USD per million tokens",
        "low": None,
        "high": None,
        "reason": "no_price_for_meter",
    }


def test_diff_of_a_table_with_itself_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "shipped", str(SHIPPED)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_diff_names_what_was_added_and_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = tmp_path / "mine.toml"
    overlay.write_text(entry("2027-01-01", model="claude-opus-5-5"))
    assert main(["diff", "shipped", str(overlay)]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "~ entry claude-opus-5-5 standard 2026-09-22: effective_to none -> 2027-01-01",
        "+ entry claude-opus-5-5 standard 2027-01-01: output_tokens 10, batch no, geo no, source page, "
        "checked 2026-11-20, confidence low",
    ]


def test_diff_names_what_was_removed_and_changed_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(TABLE + entry("2026-02-01", kind="fast"))
    new.write_text(TABLE.replace('output_tokens = "20"', 'output_tokens = "25"'))
    assert main(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "- entry model-a fast 2026-02-01: output_tokens 10, batch no, geo no, source page, checked 2026-11-20, "
        "confidence low",
        "~ entry model-a standard 2026-01-01: output_tokens 20 -> 25",
    ]


def test_diff_with_a_broken_table_is_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "shipped", str(tmp_path / "missing.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
