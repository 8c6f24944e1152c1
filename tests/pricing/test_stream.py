"""Hostile lines: each gets exactly one line back, and the others still run."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.stream import MAX_LINE, quote_stream
from pricing.table import load

ROOT = Path(__file__).resolve().parents[2]
TABLE = load()
GOOD = b'{"id": "good", "model": "claude-opus-5-5", "date": "2026-11-12", "tokens": {"output": 1000}}'
KEYS = ["id", "status", "cost_usd", "low_usd", "high_usd", "charges", "unpriced", "warnings", "error", "price_version"]


def answers(data: bytes) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    quote_stream(TABLE, io.BytesIO(data), sink)
    assert sink.getvalue().isascii()
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def one(**changes: Any) -> dict[str, Any]:
    line = {"id": "x", "model": "claude-opus-5-5", "date": "2026-11-12", **changes}
    (answer,) = answers(json.dumps(line).encode() + b"\n")
    return answer


HOSTILE = {
    "empty": b"",
    "blank": b"   \t",
    "not JSON": b"hello",
    "cut off": GOOD[:40],
    "two objects": GOOD + GOOD,
    "array": b"[]",
    "number": b"1",
    "null": b"null",
    "invalid UTF-8": GOOD.replace(b"good", b"\xff\xfe"),
    "UTF-16": GOOD.decode().encode("utf-16-le"),
    "NaN": GOOD.replace(b"1000", b"NaN"),
    "Infinity": GOOD.replace(b"1000", b"-Infinity"),
    "huge exponent": GOOD.replace(b"1000", b"1e999999"),
    "five thousand digits": GOOD.replace(b"1000", b"9" * 5000),
    "deep arrays": b"[" * 200_000,
    "deep objects": b'{"id":' * 200_000,
    "deep id": GOOD.replace(b'"good"', b"[" * 50_000 + b"]" * 50_000),
    "a megabyte of letters": b"x" * 1_000_000,
    "a megabyte of unknown keys": b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b"}",
    "duplicate key": GOOD.replace(b'"date"', b'"model": "x", "date"'),
    "duplicate token key": GOOD.replace(b'{"output": 1000}', b'{"output": 1, "output": 2}'),
    "control character": GOOD.replace(b"good", b"go\x00od"),
    "mark in the middle": b"\xef\xbb\xbf" + GOOD,
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_line_is_invalid_and_its_neighbours_are_priced(line: bytes) -> None:
    first, hostile, last = answers(GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert (first["cost_usd"], last["cost_usd"]) == ("0.02", "0.02")
    assert list(hostile) == KEYS
    assert hostile["status"] == "invalid"
    assert hostile["error"]
    assert len(hostile["error"]) < 1000
    assert (hostile["cost_usd"], hostile["low_usd"], hostile["high_usd"]) == (None, None, None)
    assert (hostile["charges"], hostile["unpriced"], hostile["warnings"]) == ([], [], [])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"model": None}, "model: must be a string"),
        ({"model": 5}, "model: must be a string"),
        ({"date": None}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "2026-02-29"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "20261112"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "2026-11-12T00:00:00Z"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "2026-11-12\n"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "2026-W46-4"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "0000-01-01"}, "date: must be a day as YYYY-MM-DD"),
        ({"date": "\u0662026-11-12"}, "date: must be a day as YYYY-MM-DD"),
        ({"service_tier": 1}, "service_tier: must be a string or null"),
        ({"context_window": True}, "context_window: must be a string or null"),
        ({"inference_geo": []}, "inference_geo: must be a string or null"),
        ({"speed": 1.5}, "speed: must be a string or null"),
        ({"tokens": None}, "tokens: must be an object"),
        ({"tokens": [1]}, "tokens: must be an object"),
        ({"tokens": {"output": -1}}, "tokens.output: must not be negative"),
        ({"tokens": {"output": True}}, "tokens.output: must be a whole number"),
        ({"tokens": {"output": 1.0}}, "tokens.output: must be a whole number"),
        ({"tokens": {"output": "1"}}, "tokens.output: must be a whole number"),
        ({"tokens": {"output": None}}, "tokens.output: must be a whole number"),
        ({"tokens": {"output": 10**31}}, "tokens.output: is absurdly large"),
        ({"tokens": {"input": 1}}, "tokens.input: unknown key"),
        ({"web_search_requests": -1}, "web_search_requests: must not be negative"),
        ({"web_search_requests": None}, "web_search_requests: must be a whole number"),
        ({"colour": 1}, "colour: unknown key"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_the_id_is_echoed(changes: dict[str, Any], place: str) -> None:
    answer = one(**changes)
    assert (answer["status"], answer["error"], answer["id"]) == ("invalid", place, "x")


def test_every_mistake_of_a_line_is_named() -> None:
    error = one(model=1, tokens={"output": -1}, colour=2)["error"]
    assert error == "colour: unknown key; model: must be a string; tokens.output: must not be negative"


def test_missing_keys_are_named() -> None:
    (answer,) = answers(b"{}\n")
    assert answer["error"] == "model: is missing; date: is missing"


@pytest.mark.parametrize(
    "text", ["1", "-7", "1.50", "1e400", "12345678901234567890123", "null", '"a\\ud800b"', '""', '"\\u00e9"']
)
def test_an_id_comes_back_as_it_was_given(text: str) -> None:
    sink = io.BytesIO()
    quote_stream(TABLE, io.BytesIO(GOOD.replace(b'"good"', text.encode()) + b"\n"), sink)
    assert sink.getvalue().startswith(b'{"id": ' + text.encode() + b', "status": "priced"')


@pytest.mark.parametrize("text", ["true", "[1]", '{"a": 1}'])
def test_an_id_that_is_no_text_number_or_null_is_invalid(text: str) -> None:
    (answer,) = answers(GOOD.replace(b'"good"', text.encode()) + b"\n")
    assert (answer["id"], answer["error"]) == (None, "id: must be a string, a number or null")


def test_an_absent_id_is_null() -> None:
    (answer,) = answers(GOOD.replace(b'"id": "good", ', b""))
    assert (answer["id"], answer["status"]) == (None, "priced")


def test_two_ids_on_one_line_are_no_id() -> None:
    (answer,) = answers(GOOD.replace(b'"id": "good"', b'"id": "a", "id": "b"'))
    assert (answer["id"], answer["error"]) == (None, "id: duplicate key")


def test_a_lone_surrogate_in_a_model_name_is_an_unknown_model() -> None:
    (answer,) = answers(GOOD.replace(b"claude-opus-5-5", b"claude-\\ud800"))
    assert answer["unpriced"] == [{"meter": "output_tokens", "quantity": 1000, "reason": "unknown_model"}]


def test_crlf_a_leading_mark_and_a_missing_last_line_end_are_fine() -> None:
    assert [a["cost_usd"] for a in answers(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD)] == ["0.02", "0.02"]


def test_a_line_too_long_to_hold_is_answered_once() -> None:
    long = b'{"id": "' + b"x" * (2 * MAX_LINE + 10) + b'"}'
    hostile, good = answers(long + b"\n" + GOOD + b"\n")
    assert (hostile["status"], hostile["error"]) == ("invalid", f"line: longer than {MAX_LINE} bytes")
    assert good["status"] == "priced"


def test_the_longest_line_is_still_read() -> None:
    fits = GOOD + b" " * (MAX_LINE - len(GOOD))
    assert [a["status"] for a in answers(fits + b"\n" + fits + b" \n" + GOOD)] == ["priced", "invalid", "priced"]


def test_no_lines_give_no_lines() -> None:
    assert answers(b"") == []


def test_counts_of_ten_to_the_eighteenth_are_exact() -> None:
    answer = one(tokens={"output": 10**18, "cache_read": 10**18 - 1})
    assert answer["cost_usd"] == "20199999999999.9999998"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), min_size=1, max_size=8))
def test_any_bytes_give_as_many_lines_out_as_in(lines: list[bytes]) -> None:
    assert len(answers(b"".join(line + b"\n" for line in lines))) == len(lines)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "model", "date", "service_tier", "speed", "tokens", "web_search_requests", "y"]),
        json_values,
    )
)
def test_any_object_gives_one_complete_answer(line: dict[str, Any]) -> None:
    (answer,) = answers(json.dumps(line).encode() + b"\n")
    assert list(answer) == KEYS
    assert (answer["status"] == "invalid") is (answer["error"] is not None)


def run(*arguments: str, data: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pricing", *arguments]
    return subprocess.run(
        command, input=data, capture_output=True, cwd=ROOT, env={**os.environ, **environment}, check=False
    )


def test_the_command_answers_line_by_line_and_exits_zero() -> None:
    done = run("quote", data=GOOD + b"\nnonsense\n" + GOOD + b"\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["priced", "invalid", "priced"]


def test_an_answer_arrives_before_the_input_ends() -> None:
    command = [sys.executable, "-m", "pricing", "quote"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(GOOD + b"\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["cost_usd"] == "0.02"
        child.stdin.close()
        assert child.wait() == 0


def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "pricing", "quote"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as child:  # type: ignore[call-overload]
        child.stdout.close()
        child.stdin.write((GOOD + b"\n") * 50)
        child.stdin.close()
        assert child.wait() == 0
        assert child.stderr.read() == b""


def test_the_overlay_setting_changes_what_is_quoted(tmp_path: Path) -> None:
    overlay = tmp_path / "more.toml"
    overlay.write_text('[[model]]\nid = "claude-opus-5-5"\naliases = ["opus"]\n')
    question = GOOD.replace(b"claude-opus-5-5", b"opus")
    assert json.loads(run("quote", data=question).stdout)["status"] == "unpriced"
    assert json.loads(run("quote", data=question, COSTWATCH_PRICES_FILE=str(overlay)).stdout)["cost_usd"] == "0.02"


def test_a_broken_overlay_stops_quotes_with_its_place(tmp_path: Path) -> None:
    overlay = tmp_path / "more.toml"
    overlay.write_text("colour = 1\n")
    done = run("quote", data=GOOD, COSTWATCH_PRICES_FILE=str(overlay))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"more.toml: unknown key colour\n"
