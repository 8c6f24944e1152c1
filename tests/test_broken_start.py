"""A start that cannot work ends with a sentence that says what to look at, and no traceback."""

from pathlib import Path

import pytest
from django.db import DataError, OperationalError, ProgrammingError

from costwatch.broker import is_readable, with_password
from costwatch.database_failure import told
from costwatch.signing import kept_key

from .test_environment import manage


@pytest.mark.parametrize(
    ("command", "address", "sentence"),
    [
        (("report", "spend"), "postgres://costwatch@127.0.0.1:1/x", "Look at DATABASE_URL, and whether"),
        (("sync",), "postgres://costwatch@127.0.0.1:1/x", "Look at DATABASE_URL, and whether"),
        (("up",), "sqlite:////nope/x.db", "its folder must exist and be writable"),
        (("migrate",), "sqlite:////nope/x.db", "its folder must exist and be writable"),
        (("sign_in_link",), "postgres://c@127.0.0.1:1/x?sslmode=nonsense", "invalid sslmode value"),
        (("report", "spend"), "mysql://x/y", "DATABASE_URL is not an address such as postgres://"),
    ],
)
def test_a_database_that_cannot_be_reached_is_a_sentence(
    command: tuple[str, ...], address: str, sentence: str, tmp_path: Path
) -> None:
    status, said = manage(*command, DATABASE_URL=address, COSTWATCH_DATA_DIR=str(tmp_path), COSTWATCH_SANDBOX="on")
    assert (status, sentence in said, "Traceback" in said) == (1, True, False), said


def test_what_the_driver_says_decides_what_to_do() -> None:
    assert "Run manage.py migrate first" in str(told(OperationalError("no such table: ledger_fact")))
    assert "Run manage.py migrate first" in str(told(ProgrammingError('relation "ledger_fact" does not exist')))
    assert "Free some space" in str(told(OperationalError("database or disk is full")))
    assert "in a moment" in str(told(OperationalError("database is locked")))
    assert told(ProgrammingError('syntax error at or near "FORM"')) is None
    assert told(DataError("numeric field overflow")) is None


def test_a_data_folder_without_a_usable_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    assert kept_key(tmp_path) == kept_key(tmp_path)
    (tmp_path / "secret_key").write_text("")
    local = {"COSTWATCH_DATA_DIR": str(tmp_path), "COSTWATCH_SANDBOX": "on"}
    status, said = manage("report", "spend", **local)
    assert (status, f"{tmp_path}/secret_key holds no key. Delete it" in said, "Traceback" in said) == (1, True, False)
    (tmp_path / "secret_key").unlink()
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(ValueError, match=r"cannot be used: Is a directory.*COSTWATCH_DATA_DIR"):
        kept_key(tmp_path)


def test_addresses_and_tokens_that_cannot_be_read_are_refused_together(tmp_path: Path) -> None:
    status, said = manage(
        "sync",
        COSTWATCH_DATA_DIR=str(tmp_path),
        COSTWATCH_PUBLIC_URL="http://[::1",
        COSTWATCH_METRICS_TOKEN="gemütlich-gemütlich",
        COSTWATCH_BACKFILL_SINCE="0001-01-01",
        COSTWATCH_HTTPS_PROXY="http://[::1",
        COSTWATCH_UPSTREAM_URL="https://x:bad",
        COSTWATCH_BROKER_URL="redis://:canary@[::1",
        COSTWATCH_BROKER_PASSWORD="canary",
    )
    assert (status, "Traceback" in said, "canary" in said) == (1, False, False), said
    for named in ("PUBLIC_URL is", "METRICS_TOKEN has", "BACKFILL_SINCE is", "HTTPS_PROXY is", "UPSTREAM_URL:"):
        assert f"COSTWATCH_{named}" in said
    assert "COSTWATCH_BROKER_URL is no broker's address" in said


def test_tsk_17_a_broker_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    local = {"COSTWATCH_DATA_DIR": str(tmp_path), "COSTWATCH_SANDBOX": "on", "COSTWATCH_BROKER_URL": "http://x"}
    status, said = manage("up", **local)
    assert (status, "COSTWATCH_BROKER_URL is no broker's address" in said, "Traceback" in said) == (1, True, False)


@pytest.mark.parametrize("url", ["nonsense", "redis://h:bad/0", "redis://[::1"])
def test_tsk_17_a_broker_that_cannot_be_read_is_refused(url: str) -> None:
    assert not is_readable(url)
    assert with_password(url, "secret") == url


def test_brokers_that_can_be_read_are_let_through() -> None:
    for url in ("memory:", "redis://", "sentinel://a:1;sentinel://b:2", "amqp://me:x@rabbit//", "redis+socket:///x"):
        assert is_readable(url), url
