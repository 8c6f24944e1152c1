"""Each fault can be seen, happens as often as scripted, and is the same under the same seed."""

import gzip
import http.client
import socket
import time
import zlib
from typing import Any

import httpx
import pytest

USAGE = "usage_report/messages"
ASKED = [
    ("starting_at", "2026-11-01T00:00:00Z"),
    ("ending_at", "2026-11-15T00:00:00Z"),
    ("limit", "5"),
    ("group_by[]", "model"),
]


@pytest.fixture
def server(make_server: Any) -> Any:
    return make_server()


@pytest.fixture
def client(server: Any, read: Any) -> Any:
    return read(server)


@pytest.mark.parametrize(
    ("kind", "options", "status", "error"),
    [
        ("rate_limit", {}, 429, "rate_limit_error"),
        ("rate_limit_silent", {}, 429, "rate_limit_error"),
        ("server_error", {}, 500, "api_error"),
        ("server_error", {"status": 504}, 504, "timeout_error"),
        ("overloaded", {}, 529, "overloaded_error"),
        ("unauthorized", {}, 401, "authentication_error"),
    ],
)
def test_an_error_comes_once_and_then_the_answer(
    server: Any, client: Any, kind: str, options: dict[str, object], status: int, error: str
) -> None:
    server.faults.add(kind, **options)
    answer = client.get("me")
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, error)
    assert answer.headers["request-id"] == answer.json()["request_id"]
    assert client.get("me").status_code == 200
    assert [(entry.kind, entry.path) for entry in server.faults.log] == [(kind, "/v1/organizations/me")]


def test_rate_limits_come_with_and_without_retry_after(server: Any, client: Any) -> None:
    server.faults.add("rate_limit", retry_after="17")
    server.faults.add("rate_limit_silent")
    assert client.get("me").headers["retry-after"] == "17"
    assert "retry-after" not in client.get("me").headers


def test_an_html_error_is_html(server: Any, client: Any) -> None:
    server.faults.add("html", status=503)
    answer = client.get("me")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")
    assert answer.text.startswith("<html>")


def test_empty_and_arbitrary_bodies(server: Any, client: Any) -> None:
    server.faults.add("empty")
    server.faults.add("body", text='{"data": NaN}')
    assert client.get("me").content == b""
    assert client.get("me").text == '{"data": NaN}'


def test_truncation_with_a_content_length_is_a_protocol_error(server: Any, client: Any) -> None:
    server.faults.add("truncate")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(USAGE, ASKED)


def test_truncation_inside_a_chunk_is_a_protocol_error(server: Any, client: Any) -> None:
    server.faults.add("truncate", framing="chunked", gzip=True)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(USAGE, ASKED)


def test_plain_truncation_without_a_length_looks_like_a_short_answer(server: Any, client: Any) -> None:
    whole = client.get(USAGE, ASKED).content
    server.faults.add("truncate", framing="close", keep=0.9)
    short = client.get(USAGE, ASKED).content
    assert short == whole[: int(len(whole) * 0.9)]


def test_gzip_truncation_without_a_length_has_no_end_marker(server: Any, client: Any) -> None:
    server.faults.add("truncate", framing="close", gzip=True, keep=0.99)
    with client.http.stream("GET", USAGE, params=ASKED) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(packed).startswith(b'{"data":[')
    assert not unpacker.eof


def test_drip_takes_its_time(server: Any, client: Any) -> None:
    server.faults.add("drip", seconds=0.01, bytes=10)
    begin = time.monotonic()
    assert client.get("me").status_code == 200
    assert time.monotonic() - begin > 0.08


def test_latency_takes_its_time(server: Any, client: Any) -> None:
    server.faults.add("latency", seconds=0.15)
    begin = time.monotonic()
    assert client.get("me").status_code == 200
    assert time.monotonic() - begin >= 0.15


def test_reset_closes_without_an_answer(server: Any, client: Any) -> None:
    server.faults.add("reset")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("me")


def test_redirect_points_elsewhere(server: Any, client: Any) -> None:
    server.faults.add("redirect", status=301, location="http://127.0.0.1:9/x")
    answer = client.get("me")
    assert (answer.status_code, answer.headers["location"]) == (301, "http://127.0.0.1:9/x")


def test_a_gzip_bomb_is_small_on_the_wire(server: Any, client: Any) -> None:
    server.faults.add("gzip_bomb", megabytes=40)
    with client.http.stream("GET", "me") as answer:
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 200_000
    assert len(gzip.decompress(packed)) > 40 * 2**20


def test_gzip_twice_says_so(server: Any, client: Any) -> None:
    server.faults.add("gzip_twice", megabytes=40)
    with client.http.stream("GET", "me") as answer:
        assert answer.headers["content-encoding"] == "gzip, gzip"
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 2000
    assert len(gzip.decompress(gzip.decompress(packed))) > 40 * 2**20


def test_a_lost_token(server: Any, client: Any) -> None:
    server.faults.add("lost_token")
    page = client.get(USAGE, ASKED).json()
    assert (page["has_more"], page["next_page"]) == (True, None)


def test_a_repeated_token_goes_in_a_circle(server: Any, client: Any) -> None:
    server.faults.add("repeated_token", times=None)
    first = client.get(USAGE, ASKED).json()
    second = client.get(USAGE, [*ASKED, ("page", first["next_page"])]).json()
    assert second["next_page"] == first["next_page"]
    assert [bucket["starting_at"] for bucket in second["data"]] == [bucket["starting_at"] for bucket in first["data"]]


def test_a_duplicate_page_repeats_buckets_and_goes_on(server: Any, client: Any) -> None:
    server.faults.add("duplicate_page")
    starts = [bucket["starting_at"][8:10] for bucket in client.buckets(USAGE, ASKED)]
    assert starts == ["01", "02", "03", "04", "05", *(f"{day:02}" for day in range(1, 15))]


def test_lists_can_lose_their_cursor_too(server: Any, client: Any) -> None:
    server.faults.add("lost_token", path="api_keys")
    page = client.get("api_keys").json()
    assert (page["has_more"], page["last_id"]) == (True, None)


def test_an_answer_without_a_request_id(server: Any, client: Any) -> None:
    server.faults.add("no_request_id", times=2)
    assert "request-id" not in client.get("me").headers
    refused = client.get(USAGE)
    assert refused.json() == {"error": {"type": "invalid_request_error", "message": "starting_at: Field required"}}


def test_rows_can_carry_speed(server: Any, client: Any) -> None:
    server.faults.add("speed_field")
    asked = [*ASKED[:3], ("group_by[]", "speed")]
    page = client.get(USAGE, asked, anthropic_beta="fast-mode-2026-02-01").json()
    assert {row["speed"] for row in page["data"][2]["results"]} == {"standard", "fast"}


def test_after_path_and_times_choose_the_requests(server: Any, client: Any) -> None:
    server.faults.add("overloaded", path="users", after=1, times=2)
    assert [client.get("me").status_code for _ in range(3)] == [200, 200, 200]
    assert [client.get("users").status_code for _ in range(5)] == [200, 529, 529, 200, 200]


def test_random_faults_are_the_same_under_one_seed(make_server: Any, read: Any) -> None:
    def run(seed: int) -> list[int]:
        server = make_server(seed=seed)
        server.faults.add("server_error", probability=0.3)
        client = read(server)
        return [client.get("me").status_code for _ in range(60)]

    first = run(7)
    assert first == run(7) != run(8)
    assert 5 < first.count(500) < 35


def test_clear_forgets_the_script(server: Any, client: Any) -> None:
    server.faults.add("overloaded", times=None)
    assert client.get("me").status_code == 529
    server.faults.clear()
    assert client.get("me").status_code == 200
    assert len(server.faults.log) == 1


def test_unknown_faults_and_options_are_refused(server: Any) -> None:
    with pytest.raises(ValueError, match="'storm' is no fault"):
        server.faults.add("storm")
    with pytest.raises(ValueError, match="html has no option colour"):
        server.faults.add("html", colour="red")


def test_a_client_that_hangs_up_harms_nobody(server: Any, client: Any) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as rude:
        rude.sendall(b"GET /v1/organizations/me HTTP/1.1\r\nhost: x\r\n")
    with socket.create_connection((host, int(port))) as noisy:
        noisy.sendall(b"\x16\x03\x01 not http\r\n\r\n")
    plain = http.client.HTTPConnection(host, int(port), timeout=5)
    plain.request("GET", "/nowhere")
    assert plain.getresponse().status == 401
    plain.close()
    assert client.get("me").status_code == 200
