"""Quotes over HTTP: what the command answers to each line, and bodies that are none."""

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costwatch.ledger import prices
from pricing.stream import quote_stream
from tests.api.conftest import refused

OPUS = (
    '{"id": "1", "model": "claude-opus-5-5", "date": "2026-11-12", "tokens": {"uncached_input": 1000, "output": 500}}'
)
HAIKU = '{"id": 2, "model": "claude-haiku-5-5", "date": "2026-11-12", "tokens": {"output": 1000000}}'
LINES = [
    OPUS,
    HAIKU,
    '{"id": 1e5, "model": "nobody", "date": "2026-11-12", "tokens": {"output": 3}}',
    '{"id": "a", "id": "b", "model": "claude-opus-5-5", "date": "2026-11-12"}',
    '{"id": "\\ud800", "model": "claude-opus-5-5", "date": "2026-02-30"}',
    '{"id": 1, "model": "claude-opus-5-5", "date": "2026-11-12", "tokens": {"output": 1.0}}',
    '{"id": 1, "model": "claude-opus-5-5", "date": "2026-11-12", "tokens": {"output": NaN}}',
    f'{{"id": {"9" * 5000}}}',
    "{}",
    "3",
    "null",
    '["nested", [1, {"a": "]"}]]',
]


def post(api: Client, body: str | bytes, kind: str = "application/json", **headers: str) -> Any:
    return api.post("/api/v1/quote", body, content_type=kind, headers=headers)


def printed(lines: list[str]) -> list[str]:
    out = io.BytesIO()
    quote_stream(prices.configured(), io.BytesIO("\n".join(lines).encode()), out)
    return out.getvalue().decode().splitlines()


def test_one_object_is_answered_as_the_command_answers_a_line(caller: Client) -> None:
    response = post(caller, OPUS)
    assert response.content.decode() == printed([OPUS])[0] + "\n"
    assert (response.json()["status"], response.json()["cost_usd"]) == ("priced", "0.014")


def test_a_list_is_answered_item_by_item_as_the_command_answers_lines(caller: Client) -> None:
    response = post(caller, "\ufeff [ " + " ,\n".join(LINES) + " ] \n")
    assert response.content.decode() == f"[{', '.join(printed(LINES))}]\n"
    statuses = [one["status"] for one in response.json()]
    assert statuses == ["priced", "range", "unpriced", *["invalid"] * 9]


def test_an_empty_list_has_no_answers(caller: Client) -> None:
    assert post(caller, " [ ] ").json() == []


def test_a_list_has_at_most_1000_items(caller: Client) -> None:
    assert len(post(caller, f"[{','.join([OPUS] * 1000)}]").json()) == 1000
    assert "1000" in refused(post(caller, f"[{','.join([OPUS] * 1001)}]"), 400)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "3", '"text"', "null", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1]]", "[1] 2", "{} {}", "[1 2]",
        "{'a': 1}", "[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000,
        b"\xff\xfe{}", b'{"id": "\xed\xa0\x80"}',
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_web_22_a_body_that_is_no_json_is_refused(caller: Client, body: str | bytes) -> None:
    refused(post(caller, body), 400)


def test_a_body_of_another_kind_is_refused(caller: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b" * 200):
        refused(post(caller, OPUS, kind), 415)


def test_a_body_over_the_limit_is_refused(caller: Client) -> None:
    refused(post(caller, "[" + " " * 2_700_000 + "]"), 413)


def test_parameters_are_refused_here_too(caller: Client) -> None:
    made = refused(caller.post("/api/v1/quote?as_of=x", OPUS, content_type="application/json"), 400)
    assert made["errors"][0]["parameter"] == "as_of"


def test_web_07_a_quote_needs_the_csrf_token_of_the_session(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("finance"))
    assert "X-CSRFToken" in refused(post(client, OPUS), 403)["detail"]
    token = client.get("/sign-in/link/none/").cookies.get("csrftoken") or client.get("/set-up/").cookies["csrftoken"]
    assert post(client, OPUS, X_CSRFToken=token.value).status_code == 200
    assert json.loads(post(client, OPUS, X_CSRFToken=token.value).content)["id"] == "1"
