"""HTTP-14: four requests of an organization at once, in however many processes it is read."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.cache import cache

from costwatch.broker import caches
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


@pytest.fixture
def front(now: datetime) -> Iterator[Front]:
    with two_organizations(now) as made:
        yield made


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    """A Redis that this process counts in."""
    with redis(tmp_path) as server:
        settings.CACHES = caches(server.url)
        yield server


def test_http_14_three_processes_have_four_requests_open_together(front: Front, broker: Redis, tmp_path: Path) -> None:
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
    code = """
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
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        "COSTWATCH_DATA_DIR": str(tmp_path),
        "COSTWATCH_BROKER_URL": broker.url,
    }
    killed = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    assert killed.stdout
    assert killed.stdout.readline() == b"inside\n"
    began = time.monotonic()
    killed.kill()
    # Nobody has waited for it yet: a process that is dead and not gone holds nothing either.
    with Gate("acme"):
        pass
    assert time.monotonic() - began < gate.FREE_AFTER / 2
    killed.wait(10)


def test_http_14_the_places_of_a_machine_that_died_are_free_again(
    broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "FREE_AFTER", 1)
    dead = Gate("acme")
    threads = [Thread(target=dead.__enter__) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    places = [f"in-flight:acme:{place}" for place in range(4)]
    left = cache.get_many(places)
    assert sorted(left) == places
    with Gate("acme"):
        assert not left.items() <= cache.get_many(places).items()


def test_http_14_a_broker_that_is_away_keeps_no_request_in(broker: Redis) -> None:
    one, inside = Gate("acme"), Barrier(5)

    def ask() -> None:
        with one:
            inside.wait(10)

    for comes_and_goes in (broker.stop, broker.start, broker.stop):
        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        comes_and_goes()
        inside.wait(10)
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
