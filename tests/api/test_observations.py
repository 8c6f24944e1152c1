"""Observed headers: who may tell them, what is taken and what never, sums by the minute, and the hook of the README."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client

from costwatch import clock
from costwatch.api import observations
from costwatch.api.gate import Gate
from costwatch.directory.models import Organization, Workspace
from costwatch.ingest.upkeep import upkeep
from costwatch.ledger.models import ObservedMinute, ObservedRequest
from tests.api.conftest import refused
from tests.servers import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "/api/v1/observations/rate-limits"
TOKEN = "5f1c0a9be1d94f0d8a2c61a7d3b1e2f4"
INPUT = "anthropic-ratelimit-input-tokens"
OK = {
    "status": 200,
    "headers": {f"{INPUT}-limit": "2000000", f"{INPUT}-remaining": "1500000", f"{INPUT}-reset": "2026-11-20T14:05:09Z"},
}


@pytest.fixture
def teller(client: Client, organization: Organization, settings: Any) -> Client:
    """A program that shows the token; one organization is known."""
    settings.OBSERVATIONS_TOKEN = TOKEN
    return client


def tell(client: Client, body: Any, token: str = TOKEN) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ADDRESS, text, content_type="application/json", headers={"authorization": f"Bearer {token}"})


def places(response: Any) -> list[str]:
    """Which places of a refused body are named as wrong."""
    return [one["parameter"] for one in refused(response, 400)["errors"]]


def minute(kind: str = "", **of: str) -> ObservedMinute:
    return ObservedMinute.objects.get(kind=kind, **of)


def test_without_the_setting_there_is_no_such_address(client: Client, organization: Organization) -> None:
    refused(tell(client, OK), 404)
    refused(tell(client, OK, ""), 404)


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", f"bearer {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer é"])
def test_without_the_token_nothing_is_recorded(teller: Client, given: str) -> None:
    headers = {"authorization": given} if given else {}
    response = teller.post(ADDRESS, json.dumps(OK), content_type="application/json", headers=headers)
    assert "token" in refused(response, 401)["detail"]
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="observations"'
    assert not ObservedMinute.objects.exists()


def test_a_session_is_neither_needed_nor_enough(teller: Client, settings: Any) -> None:
    teller.force_login(User.objects.create_user("finance"))
    assert teller.post(ADDRESS, json.dumps(OK), content_type="application/json").status_code == 401
    strict = Client(enforce_csrf_checks=True)
    assert tell(strict, OK).json() == {"recorded": 1, "repeated": 0}


def test_a_response_is_added_to_its_minute(teller: Client) -> None:
    headers = OK["headers"] | {"anthropic-ratelimit-requests-remaining": "3999", "Retry-After": "12"}
    told = {"observed_at": "2026-11-20T14:03:41.5Z", "status": 429, "model": "claude-opus-5-5", "headers": headers}
    assert tell(teller, {**told, "workspace_id": "wrkspc_1", "api_key_id": "apikey_1"}).status_code == 200
    row = minute("input-tokens")
    assert (row.minute, row.observed_at) == (
        datetime(2026, 11, 20, 14, 3, tzinfo=UTC),
        datetime(2026, 11, 20, 14, 3, 41, 500_000, tzinfo=UTC),
    )
    assert (row.workspace_key, row.api_key_id, row.model) == ("wrkspc_1", "apikey_1", "claude-opus-5-5")
    assert (row.responses, row.refused) == (1, 1)
    assert (row.limit, row.remaining, row.least_remaining) == (2_000_000, 1_500_000, 1_500_000)
    assert row.reset_at == datetime(2026, 11, 20, 14, 5, 9, tzinfo=UTC)
    assert (minute("requests").limit, minute("requests").remaining) == (None, 3999)
    whole = minute()
    assert (whole.responses, whole.refused, whole.retry_after, whole.limit) == (1, 1, 12, None)


def test_a_minute_keeps_the_least_and_the_newest_whatever_the_order(teller: Client) -> None:
    def at(second: int, remaining: int, status: int = 200) -> dict[str, Any]:
        headers = {f"{INPUT}-limit": "2000000", f"{INPUT}-remaining": str(remaining)}
        return {"observed_at": f"2026-11-20T14:03:{second:02}Z", "status": status, "headers": headers}

    assert tell(teller, [at(30, 700), at(50, 900), at(10, 100, 429)]).json() == {"recorded": 3, "repeated": 0}
    assert tell(teller, at(40, 500)).status_code == 200
    row = minute("input-tokens")
    assert (row.responses, row.refused, row.least_remaining, row.remaining) == (4, 1, 100, 900)
    assert row.observed_at.second == 50
    tell(teller, {"observed_at": "2026-11-20T14:03:59Z", "status": 200, "headers": {f"{INPUT}-limit": "1"}})
    row.refresh_from_db()
    assert (row.responses, row.least_remaining, row.remaining, row.limit) == (5, 100, 900, 1)


def test_every_kind_of_pool_is_kept_by_its_pattern_and_the_set_is_open(teller: Client) -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-tokens-limit": "3",
        "anthropic-ratelimit-output-tokens-limit": "4",
        "anthropic-priority-input-tokens-remaining": "5",
        "ANTHROPIC-FAST-OUTPUT-TOKENS-RESET": "2026-11-20T14:06:00+00:00",
        "anthropic-ratelimit-tool-uses-remaining": "6",
        "anthropic-ratelimit-unified-5h-reset": "1795183200",
        "anthropic-ratelimit-unified-status": "allowed",
        "anthropic-ratelimit-something-new-limit": "plenty",
    }
    assert tell(teller, {"status": 200, "headers": headers}).status_code == 200
    kinds = set(ObservedMinute.objects.values_list("kind", flat=True))
    assert kinds == {
        "", "requests", "tokens", "output-tokens", "priority-input-tokens", "fast-output-tokens", "tool-uses",
        "unified-5h",
    }  # fmt: skip
    assert minute("fast-output-tokens").reset_at == datetime(2026, 11, 20, 14, 6, tzinfo=UTC)
    assert minute("unified-5h").reset_at == datetime.fromtimestamp(1795183200, UTC)


def test_headers_about_anything_else_are_never_kept_or_logged(teller: Client, caplog: pytest.LogCaptureFixture) -> None:
    secrets = {"x-api-key": "sk-ant-api03-hidden", "set-cookie": "hidden=1", "x-anthropic-ratelimit-a-limit": "1"}
    assert tell(teller, {"status": 200, "headers": secrets | {"anthropic-other": "hidden"}}).status_code == 200
    (row,) = ObservedMinute.objects.values_list()
    assert "hidden" not in f"{row} {caplog.text}"
    wrong = tell(teller, {"status": 0, "headers": secrets | {f"{INPUT}-limit": "hidden"}})
    assert "hidden" not in wrong.content.decode() + caplog.text


def test_a_key_in_the_place_of_its_id_is_refused_and_not_said_again(teller: Client) -> None:
    response = tell(teller, OK | {"api_key_id": "sk-ant-api03-hidden"})
    assert places(response) == ["api_key_id"]
    assert "hidden" not in response.content.decode()


def test_ing_01_the_same_request_counts_once(teller: Client) -> None:
    first = OK | {"request_id": "req_1"}
    assert tell(teller, [first, first, OK | {"request_id": "req_2"}]).json() == {"recorded": 2, "repeated": 1}
    assert tell(teller, [first, OK, OK]).json() == {"recorded": 2, "repeated": 1}
    assert (minute().responses, ObservedRequest.objects.count()) == (4, 2)


def test_ing_01_what_nobody_told_is_empty_in_the_key_so_that_a_minute_has_one_row(teller: Client) -> None:
    for _ in range(3):
        tell(teller, OK)
    tell(teller, OK | {"model": None, "workspace_id": None, "api_key_id": None, "request_id": None})
    row = minute("input-tokens")
    assert (row.workspace_key, row.api_key_id, row.model, row.responses) == ("", "", "", 4)


def test_the_default_workspace_is_named_as_in_reports(teller: Client, organization: Organization) -> None:
    Workspace.objects.create(
        organization=organization,
        key="default",
        external_id="wrkspc_real",
        name="Default",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    tell(teller, [OK | {"workspace_id": "wrkspc_real"}, OK | {"workspace_id": "default"}, OK])
    assert minute(workspace_key="default").responses == 2
    assert minute(workspace_key="").responses == 1
    # Where its real id is not known, what names no workspace still belongs to none.
    Workspace.objects.update(external_id="")
    tell(teller, OK)
    assert minute(workspace_key="").responses == 2


def test_the_organization_is_the_one_that_is_named_or_answered_or_the_only_one(
    teller: Client, organization: Organization
) -> None:
    header = {"anthropic-organization-id": "org-1"}
    assert tell(teller, {"status": 200, "headers": header}).status_code == 200
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=clock.now())
    assert places(tell(teller, OK)) == ["organization_id"]
    assert places(tell(teller, OK | {"organization_id": "org-3"})) == ["organization_id"]
    assert places(tell(teller, {"status": 200, "organization_id": "org-2", "headers": header})) == ["organization_id"]
    assert tell(teller, OK | {"organization_id": "org-2"}).status_code == 200
    assert tell(teller, {"status": 200, "headers": header}).status_code == 200
    counted = dict(ObservedMinute.objects.filter(kind="").values_list("organization", "responses"))
    assert counted == {organization.pk: 2, other.pk: 1}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"status": None}, "status"),
    ({"status": "200"}, "status"),
    ({"status": True}, "status"),
    ({"status": 600}, "status"),
    ({"observed_at": "yesterday"}, "observed_at"),
    ({"observed_at": 1795183200}, "observed_at"),
    ({"observed_at": "2026-11-20T14:20:01Z"}, "observed_at"),
    ({"observed_at": "2026-10-16T14:04:59Z"}, "observed_at"),
    ({"model": 5}, "model"),
    ({"model": "x" * 201}, "model"),
    ({"workspace_id": ["a"]}, "workspace_id"),
    ({"workspace_id": "\ud800" * 20}, "workspace_id"),
    ({"request_id": "x" * 101}, "request_id"),
    ({"colour": "red"}, "colour"),
    ({"headers": None}, "headers"),
    ({"headers": [["a", "b"]]}, "headers"),
    ({"headers": {str(number): "" for number in range(201)}}, "headers"),
    ({"headers": {"x-other": 5}}, "headers.x-other"),
    ({"headers": {f"{INPUT}-limit": "many"}}, f"headers.{INPUT}-limit"),
    ({"headers": {f"{INPUT}-remaining": "-1"}}, f"headers.{INPUT}-remaining"),
    ({"headers": {f"{INPUT}-limit": "9" * 19}}, f"headers.{INPUT}-limit"),
    ({"headers": {f"{INPUT}-reset": "soon"}}, f"headers.{INPUT}-reset"),
    ({"headers": {"Retry-After": "a while"}}, "headers.Retry-After"),
]


@pytest.mark.parametrize(("wrong", "place"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named_by_its_place_and_nothing_is_recorded(
    teller: Client, wrong: dict[str, Any], place: str
) -> None:
    assert places(tell(teller, OK | wrong)) == [place]
    assert places(tell(teller, [OK, OK, OK | wrong])) == [f"[2].{place}"]
    assert not ObservedMinute.objects.exists()


def test_everything_wrong_is_named_at_once_up_to_fifty(teller: Client) -> None:
    two = [{"status": 0, "headers": {}}, OK, 3]
    assert places(tell(teller, two)) == ["[0].status", "[2]"]
    assert len(places(tell(teller, [{"status": 0, "headers": {}}] * 60))) == 50


@pytest.mark.parametrize("body", ["", "{", "nothing", b"\xff", "[" * 5000, "[{}", "3"], ids=lambda body: str(body)[:10])
def test_a_body_that_is_no_observation_is_refused(teller: Client, body: Any) -> None:
    refused(tell(teller, body), 400)


def test_a_body_has_bounds(teller: Client) -> None:
    assert "500" in refused(tell(teller, [OK] * 501), 400)["detail"]
    assert tell(teller, [OK] * 500).json() == {"recorded": 500, "repeated": 0}
    refused(tell(teller, " " * 3_000_000), 413)
    assert tell(teller, []).json() == {"recorded": 0, "repeated": 0}


@pytest.mark.parametrize("at", ["2026-11-20T14:20:00Z", "2026-10-16T14:05:00Z", "2026-11-20T15:04:00+01:00"])
def test_the_bounds_of_time_themselves_are_taken(teller: Client, at: str) -> None:
    assert tell(teller, OK | {"observed_at": at}).status_code == 200


def test_a_wait_until_a_date_is_kept_in_seconds(teller: Client) -> None:
    tell(teller, {"status": 429, "headers": {"retry-after": "Fri, 20 Nov 2026 14:05:30 GMT"}})
    assert minute().retry_after == 30


def test_a_flood_is_told_to_come_again(teller: Client) -> None:
    with ExitStack() as others:
        for _ in range(3):
            assert observations.gate.seats.acquire(blocking=False)
            others.callback(observations.gate.seats.release)
        response = tell(teller, OK)
        assert "again" in refused(response, 429)["detail"]
        assert response.headers["Retry-After"] == "2"
    assert tell(teller, OK).status_code == 200


def test_what_is_older_than_35_days_is_let_go(teller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(teller, [OK | {"observed_at": "2026-10-17T14:05:00Z", "request_id": "req_1"}, OK])
    upkeep(clock.now() + timedelta(hours=24))
    assert ObservedMinute.objects.filter(kind="").count() == 2
    assert ObservedRequest.objects.count() == 1
    upkeep(clock.now() + timedelta(days=3))
    assert ObservedMinute.objects.get(kind="").minute == datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
    assert ObservedRequest.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_eight_processes_that_record_one_minute_at_once_lose_nothing(
    teller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is told 20 lists of 3, in either order: two responses of its own, and one that all of them are told."""
    # One process lets one at a time through: here each thread is a process.
    monkeypatch.setattr(observations, "gate", Gate(8, 0, ""))

    def process(number: int) -> int:
        statuses = set()
        for turn in range(20):
            own = [OK | {"model": f"m{turn % 3}", "request_id": f"req_{number}_{turn}_{n}"} for n in range(2)]
            body = [*own, OK | {"model": "shared", "status": 429, "request_id": f"req_{turn}"}]
            body = body if number % 2 else body[::-1]
            statuses.add(tell(Client(), body).status_code)
        connections.close_all()
        return max(statuses)

    # SQLite keeps the tests' database in memory, for one connection.
    processes = 8 if connection.vendor == "postgresql" else 1
    with ThreadPoolExecutor(processes) as pool:
        done = list(pool.map(process, range(processes))) if processes > 1 else [process(0)]
    assert done == [200] * processes
    counted = dict(ObservedMinute.objects.filter(kind="").values_list("model", "responses"))
    assert counted.pop("shared") == 20
    assert sum(counted.values()) == processes * 40
    assert minute("", model="shared").refused == 20
    assert sum(ObservedMinute.objects.filter(kind="input-tokens").values_list("responses", flat=True)) == sum(
        [20, *counted.values()]
    )


class Messages(BaseHTTPRequestHandler):
    """A Messages endpoint: the second answer is a refusal."""

    answers = iter(())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = next(type(self).answers)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *given: object) -> None:
        """Says nothing."""


@pytest.fixture
def messages() -> Iterator[str]:
    told = {
        "anthropic-organization-id": "org-1",
        "anthropic-ratelimit-input-tokens-limit": "2000000",
        "anthropic-ratelimit-input-tokens-remaining": "12000",
        "anthropic-fast-output-tokens-remaining": "7",
        "request-id": "req_1",
        "set-cookie": "secret=1",
    }
    Messages.answers = iter([(200, told), (429, told | {"retry-after": "9"}), (200, told)])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Messages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def hook() -> str:
    """The event hook of the README."""
    (found,) = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return str(found)


def ask(messages: str, monkeypatch: pytest.MonkeyPatch, costwatch: str) -> tuple[list[int], dict[str, Any]]:
    """Three requests of a program that has the hook. Shape: the answers it got, and what the hook defines."""
    monkeypatch.setenv("COSTWATCH_OBSERVATIONS_TOKEN", TOKEN)
    defined: dict[str, Any] = {}
    exec(hook().replace("https://costwatch.example.com", costwatch), defined)
    body = {"max_tokens": 1, "messages": [{"role": "user", "content": '{"model": "no"}'}], "model": "claude-opus-5-5"}
    with httpx.Client(base_url=messages, event_hooks={"response": [defined["observe"]]}) as client:
        return [client.post("/v1/messages", json=body).status_code for _ in range(3)], defined


def test_the_hook_of_the_readme_is_shorter_than_15_lines() -> None:
    lines = hook().splitlines()
    assert len(lines) < 15
    assert max(map(len, lines)) <= 120


@pytest.mark.django_db(transaction=True)
def test_the_hook_of_the_readme_tells_what_the_responses_said(
    teller: Client, live_server: Any, messages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(clock.VARIABLE)
    statuses, defined = ask(messages, monkeypatch, live_server.url)
    assert statuses == [200, 429, 200]
    told = ObservedMinute.objects.filter(kind="", model="claude-opus-5-5")
    wait_for(lambda: sum(told.values_list("responses", flat=True)) == 3, 30, "The hook told nothing")
    # An open connection would keep a thread of the server, and its database, busy.
    defined["costwatch"].close()
    assert sum(told.values_list("refused", flat=True)) == 1
    assert {row.retry_after for row in told} == {9}
    assert set(ObservedMinute.objects.values_list("kind", flat=True)) == {"", "input-tokens", "fast-output-tokens"}
    row = ObservedMinute.objects.filter(kind="input-tokens")[0]
    assert (row.limit, row.remaining) == (2_000_000, 12_000)


def test_a_costwatch_that_is_away_neither_slows_nor_breaks_the_caller(
    messages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses, defined = ask(messages, monkeypatch, f"http://127.0.0.1:{free_port()}")
    assert statuses == [200, 429, 200]
    wait_for(lambda: not defined["seen"], 30, "What could not be told was not dropped")
    for _ in range(1000):
        defined["observe"](httpx.Response(200, request=httpx.Request("POST", "https://x.example/v1/messages")))
    assert len(defined["seen"]) <= 500
    defined["observe"](httpx.Response(200, request=httpx.Request("GET", "https://x.example/v1/models")))
    assert any(one.daemon and one._target is defined["post"] for one in threading.enumerate())  # type: ignore[attr-defined]
