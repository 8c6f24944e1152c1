"""The control endpoints and the command line."""

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
