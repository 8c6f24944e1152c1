"""The control endpoints and the command line."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from costwatch.upstream.sandbox.__main__ import add_faults, main


def test_truth_is_answered_as_json(shared: Any) -> None:
    asked = {"since": "2026-11-10T00:00:00Z", "until": "2026-11-11T00:00:00Z", "group_by": "service_tier,speed"}
    answer = httpx.get(shared.url + "/_sandbox/truth", params={**asked, "model": "claude-opus-5-5"}).json()
    assert answer["unit"] == "pico-dollars"
    assert [row["key"] for row in answer["rows"]] == [
        {"service_tier": "standard", "speed": "fast"},
        {"service_tier": "standard", "speed": "standard"},
    ]
    assert all(row["list_low"] > 0 and row["reported"] is None for row in answer["rows"])


@pytest.mark.parametrize("query", ["", "since=2026-11-10T00:00:00Z", "since=x&until=y"])
def test_a_wrong_control_request_is_400(shared: Any, query: str) -> None:
    assert httpx.get(f"{shared.url}/_sandbox/truth?{query}").status_code == 400
    assert httpx.get(f"{shared.url}/_sandbox/elsewhere").status_code == 404


def test_faults_and_restatements_can_be_ordered_over_http(make_server: Any, read: Any) -> None:
    server = make_server()
    orders = {"add": [{"kind": "html", "path": "me", "options": {"status": 503}}]}
    assert httpx.post(server.url + "/_sandbox/faults", json=orders).json() == {"added": 1}
    assert read(server).get("me").status_code == 503
    assert httpx.get(server.url + "/_sandbox/faults").json()["log"][0]["kind"] == "html"
    assert httpx.post(server.url + "/_sandbox/faults", json={"add": [{"kind": "storm"}]}).status_code == 400
    what = httpx.post(server.url + "/_sandbox/restate", json={"at": "2026-11-10T09:00:00Z", "change": "down"}).json()
    assert (what["change"], what["start"]) == ("down", "2026-11-10T09:00:00Z")
    assert what["after"][0] < what["before"][0]


def test_the_command_line_scripts_faults(make_server: Any, read: Any) -> None:
    server = make_server()
    add_faults(server, ["weather", "overloaded:1.0"])
    codes = {read(server).get("me").status_code for _ in range(5)}
    assert 529 in codes
    with pytest.raises(ValueError, match="no fault"):
        add_faults(server, ["storm"])


def test_the_command_line_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "--anchor" in capsys.readouterr().out


def test_the_command_line_serves_and_prints_address_and_key() -> None:
    command = [sys.executable, "-m", "costwatch.upstream.sandbox", "--port", "0", "--now", "2026-11-19T14:05:00Z"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        url, key = (served.stdout.readline().split()[-1] for _ in range(2))
        try:
            headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
            answer = httpx.get(url + "/v1/organizations/me", headers=headers)
            assert answer.json()["name"] == "Example Inc"
        finally:
            served.terminate()


def test_requests_in_flight_are_counted_by_path(make_server: Any, read: Any) -> None:
    server = make_server(latency=0.2)
    threads = [threading.Thread(target=read(server).get, args=("me",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.peak == {"/v1/organizations/me": 3}
    read(server).get("me")
    assert server.peak == {"/v1/organizations/me": 3}
    assert len(server.requests) == 4


def test_the_first_request_after_a_stop_is_refused(make_server: Any, read: Any) -> None:
    server = make_server()
    client = read(server)
    assert client.get("me").status_code == 200
    server.stop()
    with pytest.raises(httpx.TransportError):
        client.get("me")
