"""What the doctor says about the database's upkeep and the disk, and who counts as near in a container (OPS-07)."""

from collections import namedtuple
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from costwatch.ingest.examine import configuration
from costwatch.ingest.examine.postgres import deadlines, transactions, upkeep

Disk = namedtuple("Disk", "total used free")
GIGABYTE = 2**30


def test_ops_07_transaction_numbers_half_a_billion_behind_are_a_warning() -> None:
    assert transactions(500_000_000).mark == "ok"
    late = transactions(500_000_001)
    assert (late.mark, late.what) == (
        "warn",
        "the oldest transaction number is 500 million behind; at 2,100 million writes stop",
    )


def test_ops_07_missing_deadlines_are_a_warning(settings: Any) -> None:
    settings.IS_POOLED = True
    assert [one.mark for one in deadlines("0", "0")] == ["warn", "warn"]
    assert [one.mark for one in deadlines("2min", "30s")] == ["ok"]
    settings.IS_POOLED = False
    assert [one.mark for one in deadlines("0", "30s")] == ["ok"]


def test_ops_07_the_connected_server_is_asked(db: None) -> None:
    found = [one.what for one in upkeep()]
    if connection.vendor == "postgresql":
        assert found[0] == "idle transactions end after 30s"
        assert found[1].startswith("the oldest transaction number is ")
    else:
        assert found == []


@pytest.mark.parametrize(("used", "mark"), [(80, "ok"), (81, "warn"), (100, "fail")])
def test_ops_07_a_disk_more_than_four_fifths_full_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, used: int, mark: str
) -> None:
    disk = Disk(100 * GIGABYTE, used * GIGABYTE, (100 - used) * GIGABYTE)
    monkeypatch.setattr(configuration.shutil, "disk_usage", lambda folder: disk)
    (line,) = [one for one in configuration.configuration() if one.what.startswith("the data folder")]
    assert line.mark == mark


@pytest.mark.parametrize(
    ("bind", "peer", "status"),
    [("127.0.0.1", "172.17.0.1", 302), ("0.0.0.0", "172.17.0.1", 200), ("0.0.0.0", "8.8.8.8", 302)],
)
def test_in_a_container_the_engines_bridge_is_this_machine(
    db: None, settings: Any, bind: str, peer: str, status: int
) -> None:
    settings.BIND, settings.SANDBOX = bind, True
    assert Client().get("/", headers={"host": "localhost"}, REMOTE_ADDR=peer).status_code == status
