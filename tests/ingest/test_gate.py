"""HTTP-14: four requests of an organization at once, in however many processes it is read."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from costwatch.ingest import gate
from costwatch.ingest.gate import Gate
from tests.servers import Redis, redis

from .two_organizations import KEYS, Front, two_organizations

READER = """
import django
django.setup()
from threading import Thread
from costwatch.ingest.connect import client
from costwatch.upstream import organization
threads = [Thread(target=organization.me, args=(client("acme"),)) for _ in range(6)]
[one.start() for one in threads]
[one.join() for one in threads]
"""

HOLDER = """
import django, time
django.setup()
from threading import Thread
from costwatch.ingest.gate import Gate
gate = Gate("acme")
threads = [Thread(target=gate.__enter__) for _ in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
print("inside", flush=True)
time.sleep(60)
"""


@pytest.fixture
def front(now: datetime) -> Iterator[Front]:
    with two_organizations(now) as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    """A Redis that this process counts in."""
    with redis(tmp_path) as server:
        settings.BROKER_URL = server.url
        yield server


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that another test lost is asked again at once."""
    monkeypatch.setattr(gate, "_alone_until", 0.0)


def inside(one: Gate) -> None:
    """Four requests go out and do not come back."""
    threads = [Thread(target=one.__enter__) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def taken(broker: Redis) -> set[str]:
    """The places that somebody holds."""
    return set(broker.ask("KEYS", "costwatch-in-flight:*").split())


@contextmanager
def holder(broker: Redis, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with four requests under way."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        "COSTWATCH_DATA_DIR": str(tmp_path),
        "COSTWATCH_BROKER_URL": broker.url,
    }
    process = subprocess.Popen([sys.executable, "-c", HOLDER], env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"inside\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_http_14_three_processes_have_four_requests_open_together(front: Front, broker: Redis, tmp_path: Path) -> None:
    """Also where all of them find the places of a fourth one that was killed."""
    with holder(broker, tmp_path):
        pass
    assert len(taken(broker)) == 4
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "acme").write_text(KEYS["acme"])
    (keys / "acme").chmod(0o600)
    front.latency = 0.2
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        "COSTWATCH_DATA_DIR": str(tmp_path),
        "COSTWATCH_BROKER_URL": broker.url,
        "COSTWATCH_UPSTREAM_URL": front.url,
        "COSTWATCH_ADMIN_KEYS_DIR": str(keys),
    }
    readers = [subprocess.Popen([sys.executable, "-c", READER], env=environment) for _ in range(3)]
    assert [reader.wait(60) for reader in readers] == [0, 0, 0]
    assert (front.asked["acme"], front.most["acme"]) == (18, 4)


def test_http_14_the_places_of_a_killed_process_are_free_at_once(broker: Redis, tmp_path: Path) -> None:
    with holder(broker, tmp_path) as killed:
        assert len(taken(broker)) == 4
        began = time.monotonic()
        killed.kill()
        # Nobody has waited for it yet: a process that is dead and not gone holds nothing either.
        with Gate("acme"):
            pass
        assert time.monotonic() - began < gate.FREE_AFTER / 2


def test_http_14_the_places_of_a_machine_that_died_are_free_again(
    broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "FREE_AFTER", 1)
    inside(Gate("acme"))
    assert len(taken(broker)) == 4
    with Gate("acme"):
        assert len(taken(broker)) <= 4


def test_http_14_places_that_could_not_be_given_back_are_with_the_next_request(
    broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "ANSWERS_WITHIN", 0.2)
    gate._connected.cache_clear()
    one, both = Gate("acme"), Barrier(5)

    def ask() -> None:
        with one:
            both.wait(10)
            both.wait(10)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    both.wait(10)
    broker.pause()
    both.wait(10)
    for thread in threads:
        thread.join(10)
    broker.go_on()
    assert len(taken(broker)) == 4
    # Nobody asks a Redis that hung for a while.
    with one:
        assert len(taken(broker)) == 4
    monkeypatch.setattr(gate, "_alone_until", 0.0)
    with one:
        assert len(taken(broker)) == 1
    assert taken(broker) == set()


def test_http_14_a_broker_that_is_away_keeps_no_request_in(broker: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "LEFT_ALONE", 0.0)
    one = Gate("acme")
    for comes_and_goes in (broker.stop, broker.start, broker.stop):
        together = Barrier(5)

        def ask(together: Barrier = together) -> None:
            with one:
                together.wait(10)

        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        comes_and_goes()
        together.wait(10)
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
