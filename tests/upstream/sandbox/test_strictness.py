"""The sandbox refuses what the vendor refuses, in the vendor's words."""

from typing import Any

import httpx
import pytest

USAGE = "usage_report/messages"
DAY = [("starting_at", "2026-11-18T00:00:00Z"), ("ending_at", "2026-11-19T00:00:00Z")]
FIVE = [("group_by[]", name) for name in ("api_key_id", "workspace_id", "model", "service_tier", "inference_geo")]


def test_no_key_is_401(shared: Any) -> None:
    answer = httpx.get(shared.url + "/v1/organizations/me", headers={"anthropic-version": "2023-06-01"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "error"
    assert answer.json()["error"] == {"type": "authentication_error", "message": "x-api-key header is required"}


def test_a_wrong_key_is_401(reader: Any) -> None:
    assert reader.message("me", x_api_key="sk-ant-admin01-wrong") == (401, "invalid x-api-key")


def test_an_ordinary_key_is_403(reader: Any, shared: Any) -> None:
    answer = reader.get("me", x_api_key=shared.workspace_key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")


def test_a_reduced_key_reads_usage_but_not_cost(reader: Any, shared: Any) -> None:
    assert reader.get("me", x_api_key=shared.reduced_key).status_code == 200
    assert reader.get(USAGE, DAY, x_api_key=shared.reduced_key).status_code == 200
    assert reader.get("cost_report", DAY, x_api_key=shared.reduced_key).status_code == 403
    assert reader.get("users", x_api_key=shared.reduced_key).status_code == 403


def test_a_missing_version_header_is_400(shared: Any) -> None:
    answer = httpx.get(shared.url + "/v1/organizations/me", headers={"x-api-key": shared.admin_key})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "anthropic-version: header is required")


def test_every_answer_carries_a_request_id_and_the_organization(reader: Any) -> None:
    good, refused = reader.get("me"), reader.get(USAGE)
    assert good.headers["request-id"].startswith("req_")
    assert refused.json()["request_id"] == refused.headers["request-id"] != good.headers["request-id"]
    assert (
        good.headers["anthropic-organization-id"] == good.json()["id"] == refused.headers["anthropic-organization-id"]
    )
    assert "anthropic-workspace-id" not in good.headers


def test_six_dimensions_are_400_with_the_vendors_sentence(reader: Any) -> None:
    six = [*DAY, *FIVE, ("group_by[]", "context_window")]
    assert reader.message(USAGE, six) == (400, "Cannot specify more than 5 group_by[] dimensions.")
    assert reader.get(USAGE, [*DAY, *FIVE]).status_code == 200


@pytest.mark.parametrize(
    ("path", "width", "maximum", "too_many"),
    [
        (USAGE, "1d", "31", "32"),
        (USAGE, "1h", "168", "169"),
        (USAGE, "1m", "1440", "1441"),
        ("cost_report", "1d", "31", "32"),
    ],
)
def test_a_limit_above_the_maximum_is_400(reader: Any, path: str, width: str, maximum: str, too_many: str) -> None:
    asked = [*DAY, ("bucket_width", width)]
    assert reader.get(path, [*asked, ("limit", maximum)]).status_code == 200
    status, message = reader.message(path, [*asked, ("limit", too_many)])
    assert (status, message) == (400, f"limit: Input should be less than or equal to {maximum}")


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        (("limit", "0"), "limit: Input should be greater than or equal to 1"),
        (("limit", "seven"), "limit: Input should be a valid integer, unable to parse string as an integer"),
        (("group_by", "model"), "group_by: Extra inputs are not permitted"),
        (("colour", "red"), "colour: Extra inputs are not permitted"),
        (("bucket_width", "1w"), "bucket_width: Input should be '1d', '1h' or '1m'"),
        (("context_window[]", "1M"), "context_window[].0: Input should be '0-200k' or '200k-1M'"),
        (("starting_at", "2026-11-17T00:00:00Z"), "starting_at: Input should be a single value"),
    ],
)
def test_a_wrong_parameter_is_400(reader: Any, parameter: tuple[str, str], sentence: str) -> None:
    assert reader.message(USAGE, [*DAY, parameter]) == (400, sentence)


@pytest.mark.parametrize("text", ["2026-11-18", "2026-11-18T00:00:00", "yesterday", ""])
def test_a_time_without_a_zone_is_400(reader: Any, text: str) -> None:
    assert reader.get(USAGE, [("starting_at", text)]).status_code == 400


def test_a_missing_or_reversed_range_is_400(reader: Any) -> None:
    assert reader.message(USAGE) == (400, "starting_at: Field required")
    reverse = [("starting_at", "2026-11-19T00:00:00Z"), ("ending_at", "2026-11-18T00:00:00Z")]
    assert reader.message("cost_report", reverse) == (400, "ending_at: must be after starting_at")


def test_an_unknown_dimension_is_400(reader: Any) -> None:
    status, message = reader.message(USAGE, [*DAY, ("group_by[]", "user_name")])
    assert status == 400
    assert message.startswith("group_by[].0: Input should be 'account_id', 'api_key_id'")
    assert reader.get("cost_report", [*DAY, ("group_by[]", "model")]).status_code == 400


@pytest.mark.parametrize("parameter", [("group_by[]", "speed"), ("speeds[]", "fast")])
def test_speed_needs_the_beta_header(reader: Any, parameter: tuple[str, str]) -> None:
    assert reader.get(USAGE, [*DAY, parameter]).status_code == 400
    assert reader.get(USAGE, [*DAY, parameter], anthropic_beta="fast-mode-2026-02-01").status_code == 200
    assert reader.get(USAGE, [*DAY, parameter], anthropic_beta="other-1, fast-mode-2026-02-01").status_code == 200


@pytest.mark.parametrize(
    "token", ["garbage", "page_", "page_AAAA", "page_MjAyNi0xMS0xMFQwMDowMDowMFo=", "", "page_\u00e9"]
)
def test_a_garbage_token_is_400(reader: Any, token: str) -> None:
    status, message = reader.message(USAGE, [*DAY, ("page", token)])
    assert status == 400
    assert message.startswith("page: Invalid page token")


def test_a_token_of_another_question_is_400(reader: Any) -> None:
    asked = [("starting_at", "2026-11-01T00:00:00Z"), ("ending_at", "2026-11-15T00:00:00Z"), ("limit", "5")]
    token = ("page", reader.get(USAGE, asked).json()["next_page"])
    assert reader.get(USAGE, [*asked, token]).json()["data"][0]["starting_at"] == "2026-11-06T00:00:00Z"
    assert reader.get(USAGE, [*asked, ("models[]", "claude-opus-5-5"), token]).status_code == 400
    assert reader.get(USAGE, [*asked[:2], ("limit", "6"), token]).status_code == 400
    assert reader.get("cost_report", [*asked, token]).status_code == 400


def test_the_rate_limits_report_does_not_exist(reader: Any) -> None:
    answer = reader.get("usage_report/rate_limits")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


def test_writing_is_not_possible(reader: Any) -> None:
    assert reader.http.post("workspaces", json={"name": "x"}).status_code == 405
    assert reader.http.delete("users/user_1").status_code == 405
    assert reader.http.head("me").status_code == 405
    assert reader.get("me").status_code == 200


def test_beta_true_is_ignored(reader: Any) -> None:
    assert reader.get("me", [("beta", "true")]).status_code == 200


def test_gzip_comes_only_when_asked_for(reader: Any) -> None:
    asked = [*DAY, *FIVE]
    assert reader.get(USAGE, asked, accept_encoding="gzip").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in reader.get(USAGE, asked, accept_encoding="identity").headers


def test_requests_are_logged_and_the_connection_is_kept(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    client.get("me")
    client.get("users", [("limit", "5")])
    assert [(entry.method, entry.path, entry.query, entry.status) for entry in server.requests] == [
        ("GET", "/v1/organizations/me", "", 200),
        ("GET", "/v1/organizations/users", "limit=5", 200),
    ]
    assert server.peak == {"/v1/organizations/me": 1, "/v1/organizations/users": 1}
