"""Refusals: who is not signed in, what is not there, hostile values, failures of our own."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from costwatch.api import deadline, documentation, questions, routes
from costwatch.insights import reports
from tests.api.conftest import get, refused

REPORT = "/api/v1/reports/spend"
# Asks for a token of its own instead of a session, and is not there without its setting.
BY_TOKEN = "/api/v1/observations/rate-limits"
LISTS = [f"/api/v1/{name}" for name in ("workspaces", "keys", "organizations", "coverage", "reports/unpriced")]


def every_address() -> list[str]:
    """Every route below /api/, with something in the place of each part that is open."""
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    found = [str(one.pattern).replace("<str:id>", "some-id") for one in api.url_patterns]
    assert len(found) >= 14
    return [f"/api/v1/{address}" for address in found]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_web_01_without_sign_in_every_address_answers_401(db: None, settings: Any, method: str) -> None:
    settings.SANDBOX = False
    stranger = Client(REMOTE_ADDR="192.0.2.1")
    for address in set(every_address()) - {BY_TOKEN}:
        response = stranger.generic(method, address)
        assert response.headers["WWW-Authenticate"] == 'Session realm="costwatch"'
        refused(response, 401)
    refused(stranger.generic(method, BY_TOKEN), 404)
    settings.OBSERVATIONS_TOKEN = "a token of the settings"
    response = stranger.generic(method, BY_TOKEN)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="observations"'
    refused(response, 401)


def test_every_route_is_of_the_kind_that_asks_for_sign_in() -> None:
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    assert all(issubclass(one.callback.cls, routes.Route) for one in api.url_patterns)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "BREW"])
def test_another_method_is_refused_with_those_that_work(caller: Client, method: str) -> None:
    response = caller.generic(method, REPORT)
    made = refused(response, 405)
    assert "GET" in response.headers["Allow"]
    assert "GET" in made["detail"]


def test_head_answers_like_get_without_a_body(caller: Client) -> None:
    response = caller.head(REPORT)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["ETag"] == caller.get(REPORT).headers["ETag"]


@pytest.mark.parametrize("address", ["/api/", "/api/v2/reports/spend", "/api/v1/", "/api/v1/schema", "/api/v1/x/../y"])
def test_an_address_that_is_not_there_is_a_problem_not_a_page(caller: Client, address: str) -> None:
    refused(caller.get(address), 404)


def test_what_is_refused_before_a_view_is_a_problem_too(caller: Client) -> None:
    refused(caller.get(REPORT, headers={"Host": "evil.example"}), 400)
    assert "8,000" in refused(caller.get(f"{REPORT}?model={'x' * 9000}"), 400)["detail"]
    assert caller.get("/workspaces/nobody/").headers["Content-Type"].startswith("text/html")


WRONG_VALUES = [
    ("since", "2026-02-30"), ("since", "0000-00-00"), ("since", "0001-01-01"), ("until", "0001-01-01"),
    ("until", "9999-12-31"), ("since", "2026-11-1"), ("since", "20261101"), ("since", "2026-W45-1"), ("since", ""),
    ("since", "٢٠٢٦-١١-٠١"), ("since", "2026-11-01T00:00:00Z"), ("since", " 2026-11-01"), ("since", "today"),
    ("as_of", "2026-11-19T14:05:00"), ("as_of", "2026-11-19"), ("as_of", "9999-12-31T23:59:59Z"),
    ("as_of", "0001-01-01T00:00:00+14:00"), ("as_of", "2026-11-19T14:05:00+00:00:01"),
    ("as_of", "2026-02-30T00:00:00Z"),
    ("as_of", "2026-11-19T25:00:00Z"), ("as_of", "2026-11-19T14:05:00+99:00"), ("as_of", ""),
    ("interval", "year"), ("interval", "DAY"), ("interval", ""), ("interval", "day,week"),
    ("group_by", "password"), ("group_by", "__class__"), ("group_by", "workspace__org__admin_key"), ("group_by", ""),
    ("group_by", "model,model"), ("group_by", "?"), ("group_by", "-model"), ("group_by", "a.b"), ("group_by", "a)--"),
    ("group_by", "model,"), ("model", "a\0b"), ("workspace_id", "\0"), ("model", "x" * 2001),
    ("workspace_id__startswith", "x"), ("workspace_id[]", "x"), ("_connector", "OR 1=1)"), ("_negated", "1"),
    ("order_by", "?"), ("page", "0"), ("Since", "2026-11-01"), ("", "x"), ("\n", "x"), ("format", "../x"),
    ("format", "xml"), ("format", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES, ids=repr)
def test_web_06_a_parameter_that_cannot_be_used_is_refused_by_name(caller: Client, name: str, value: str) -> None:
    made = refused(caller.get(REPORT, {name: value}), 400)
    assert [one["parameter"] for one in made["errors"]] == [name]
    assert made["errors"][0]["detail"].endswith(".")


@pytest.mark.parametrize("address", LISTS)
def test_web_06_a_list_knows_only_its_own_parameters(caller: Client, address: str) -> None:
    for name in ("name", "extra__secret", "organization__external_id", "id", "ordering", "group_by"):
        assert refused(caller.get(address, {name: "x"}), 400)["errors"][0]["parameter"] == name


@pytest.mark.parametrize("format", ["csv", "json", "xml"])
@pytest.mark.parametrize("address", [*LISTS[:4], "/api/v1/docs/"])
def test_a_route_with_one_format_has_no_parameter_for_it(caller: Client, address: str, format: str) -> None:
    (error,) = refused(caller.get(address, {"format": format}), 400)["errors"]
    assert error["parameter"] == "format"
    assert error["detail"].startswith("There is no such parameter")


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-11-01&since=2026-11-02", "group_by=model&" * 500, "model=x&model=x", "model=%F0%28%8C%28",
        "model=%ED%A0%80", "model=\xff", "&".join(f"a{n}=1" for n in range(1300)), "since=2026-11-02&until=2026-11-02",
        "since=2026-11-03&until=2026-11-02", "%00=1", "as_of=2026-11-19T14:05:00+00:00",
    ],
    ids=lambda query: query[:40],
)  # fmt: skip
def test_web_22_a_query_that_makes_no_sense_is_refused(caller: Client, query: str) -> None:
    refused(caller.get(REPORT, QUERY_STRING=query), 400)


@pytest.mark.parametrize("value", ["x" * 2000, "' OR 1=1 --", "\u202e", "%", "null", "$(id)", "🙂", "a,b", "\x7f\x1b"])
def test_any_text_may_be_filtered_by(caller: Client, value: str) -> None:
    made = caller.get("/api/v1/reports/usage", {"model": value, "interval": "total"})
    assert (made.status_code, made.json()["rows"], made.json()["filters"]) == (200, [], {"model": value})


def test_every_wrong_parameter_is_named_at_once(caller: Client) -> None:
    made = refused(caller.get(REPORT, {"since": "x", "colour": "red", "interval": "year"}), 400)
    assert [one["parameter"] for one in made["errors"]] == ["since", "colour", "interval"]
    assert made["detail"] == "Some parameters cannot be used: since, colour, interval."
    assert (made["type"], made["title"], made["instance"]) == ("about:blank", "Bad Request", REPORT)


def test_web_15_a_query_past_its_deadline_is_stopped_and_answered_with_503(
    caller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = {
        "postgresql": "SELECT pg_sleep(60)",
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n",
    }

    def slow(query: object) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute(endless[connection.vendor])
        return {}

    monkeypatch.setitem(reports.REPORTS, "spend", slow)
    monkeypatch.setattr("costwatch.api.reports.deadline", lambda: deadline.deadline(0.2))
    response = get(caller, "reports/spend")
    assert "too long" in refused(response, 503)["detail"]
    assert response.headers["Retry-After"] == "30"
    assert get(caller, "reports/usage").status_code == 200


def test_web_22_a_failure_of_ours_is_a_problem_without_a_trace(
    caller: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(query: object) -> dict[str, Any]:
        raise RuntimeError("the inner workings")

    monkeypatch.setitem(reports.REPORTS, "spend", broken)
    caller.raise_request_exception = False
    response = get(caller, "reports/spend")
    refused(response, 500)
    assert b"inner workings" not in response.content
    assert "RuntimeError: the inner workings" in caplog.text


def test_the_price_table_that_cannot_be_read_is_said(caller: Client, settings: Any, tmp_path: Any) -> None:
    overlay = tmp_path / "prices.toml"
    overlay.write_text("nonsense")
    settings.PRICES_FILE = str(overlay)
    quote = caller.post("/api/v1/quote", '{"id": 1}', content_type="application/json")
    assert "pricing check" in refused(quote, 503)["detail"]


def test_the_schema_is_valid_and_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_the_schema_lists_every_address_and_the_bounds_that_hold() -> None:
    document = documentation.description()
    undescribed = {"/api/v1/docs/", "/api/v1/"}
    described = {path.replace("{id}", "some-id") for path in document["paths"]}
    assert described == set(every_address()) - undescribed
    parameters = {one["name"]: one for one in document["paths"][REPORT]["get"]["parameters"]}
    assert parameters["group_by"]["schema"]["maxItems"] == questions.MOST_DIMENSIONS == 4
    assert document["openapi"].startswith("3.1")


def test_the_schema_comes_as_json_and_as_yaml(caller: Client) -> None:
    import yaml

    as_json, as_yaml = get(caller, "schema/"), get(caller, "schema/?format=yaml")
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_yaml.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(as_yaml.content) == as_json.json()
    assert get(caller, "schema/", If_None_Match=as_json.headers["ETag"]).status_code == 304
