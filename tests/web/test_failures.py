"""What is answered while the database is away, and on a request that names another host."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from costwatch.log_lines import WithoutTraceback
from tests.web.conftest import text_of

LOCAL = {"host": "localhost"}
SESSION = {"sessionid": "a-session-of-somebody"}


@pytest.fixture
def away(transactional_db: None, tmp_path: Path) -> Iterator[Client]:
    """A visitor's browser, while there is no database."""
    nowhere = tmp_path / "nowhere" / "db.sqlite3" if connection.vendor == "sqlite" else "nowhere"
    connection.close()
    # The one in memory lives as long as its connection.
    own = connection.connection
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(connection.settings_dict, "NAME", str(nowhere))
        if connection.vendor == "sqlite":
            patched.setattr(connection, "is_in_memory_db", lambda: False)
            connection.connection = None
        yield Client(raise_request_exception=False)
        connection.close()
    connection.connection = own


@pytest.mark.parametrize("address", ["/", "/workspaces/", "/data-health/", "/downloads/spend.csv"])
@pytest.mark.parametrize("is_stranger", [True, False])
def test_ops_04_a_page_says_that_the_database_is_away(away: Client, address: str, is_stranger: bool) -> None:
    away.cookies.load({} if is_stranger else SESSION)
    response = away.get(address, headers=LOCAL if is_stranger else {})
    assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "30", "no-store")
    assert "The database does not answer" in text_of(response)
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_ops_04_signing_in_says_that_the_database_is_away(away: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = away.post("/sign-in/", {"username": "ada", "password": "a long enough phrase"})
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "The database does not answer" in text_of(response)
    (line,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert line.getMessage().startswith("/sign-in/ cannot be answered: ")
    assert line.exc_info is None


@pytest.mark.parametrize("headers", [LOCAL, {}], ids=["demo user", "session"])
def test_ops_04_the_api_says_that_the_database_is_away(away: Client, headers: dict[str, str]) -> None:
    away.cookies.load(SESSION)
    response = away.get("/api/v1/workspaces", headers=headers)
    made = json.loads(response.content)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, made["status"], response["Retry-After"]) == (503, 503, "30")
    assert made["detail"] == "The database does not answer. Try again in a moment."


def test_what_nobody_foresaw_stays_a_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("costwatch.access.views.demo.serves", broken)
    client.raise_request_exception = False
    response = client.get("/sign-in/")
    assert response.status_code == 500
    assert "Something failed on our side" in text_of(response)


@pytest.mark.parametrize("address", ["/", "/workspaces/", "/data-health/", "/progress/", "/search/", "/set-up/"])
def test_head_answers_like_get_without_a_body(page: Client, address: str) -> None:
    response = page.head(address)
    assert (response.status_code, response.content) == (page.get(address).status_code, b"")
    assert response.status_code < 400
    assert page.delete(address).status_code == 405


def test_signing_in_and_downloads_answer_head_too(page: Client) -> None:
    assert page.head("/downloads/spend.csv").status_code == 200
    page.logout()
    assert page.head("/sign-in/").status_code == 200


def test_a_wrong_host_name_is_one_line_without_a_traceback(client: Client, settings: Any) -> None:
    refused = logging.getLogger("django.security.DisallowedHost")
    assert any(isinstance(one, WithoutTraceback) for one in refused.filters)
    heard: list[logging.LogRecord] = []
    ear = logging.Handler()
    ear.emit = heard.append  # type: ignore[method-assign]
    refused.addHandler(ear)
    try:
        assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    finally:
        refused.removeHandler(ear)
    (line,) = heard
    assert "evil.example" in logging.Formatter("%(message)s").format(line)
    assert "Traceback" not in logging.Formatter("%(message)s").format(line)
