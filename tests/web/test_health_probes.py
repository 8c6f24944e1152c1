"""/healthz, /readyz: what works, what does not, and that nobody else pays for the question (OPS-04)."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.models import Heartbeat, Installation, Source
from costwatch.web import probes
from tests.servers import redis

# A check has a connection of its own: what it is to see has to be committed.
pytestmark = pytest.mark.django_db(transaction=True)
ALL_OK = {"database": "ok", "broker": "ok", "scheduler": "ok", "ingest": "ok"}


@pytest.fixture(autouse=True)
def working(now: object) -> Iterator[None]:
    """An installation in which everything works, and no answer kept from another test."""
    probes.answers.forget()
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    yield
    probes.answers.forget()


def asked(client: Client) -> tuple[int, dict[str, Any]]:
    probes.answers.forget()
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_ops_04_an_installation_that_works_is_ready(client: Client) -> None:
    assert asked(client) == (200, {"ready": True, "checks": ALL_OK})


def test_ops_04_a_silent_scheduler_is_not_ready_and_back_when_it_rings(client: Client) -> None:
    seen = Heartbeat.objects.get(role="beat")
    Heartbeat.objects.filter(role="beat").update(at=seen.at - timedelta(seconds=181))
    assert asked(client) == (503, {"ready": False, "checks": {**ALL_OK, "scheduler": "failed"}})
    heartbeat.renew("beat")
    assert asked(client)[0] == 200


def test_ops_04_a_source_that_is_not_read_is_not_ready_and_no_name_is_told(client: Client) -> None:
    organization = Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())
    source = Source.objects.create(organization=organization, name="usage", last_success_at=clock.now())
    assert asked(client)[0] == 200
    Source.objects.update(last_success_at=clock.now() - timedelta(minutes=31), last_error="401 (request req_1)")
    status, said = asked(client)
    assert (status, said) == (503, {"ready": False, "checks": {**ALL_OK, "ingest": "failed"}})
    # Closed to the key, amounts are missing all the same; what an organization may do without is not waited for.
    Source.objects.filter(pk=source.pk).update(available=False)
    assert asked(client)[0] == 503
    Source.objects.filter(pk=source.pk).update(name="cost", last_success_at=clock.now() - timedelta(days=1))
    assert asked(client)[0] == 200
    Source.objects.all().delete()
    organization.delete()


def test_ops_04_who_never_reached_anybody_is_not_ready_after_ten_minutes(client: Client) -> None:
    Installation.objects.all().delete()
    held = Installation.objects.create(kind="real", anchor=clock.now() - timedelta(minutes=9), connect_error="401")
    assert asked(client)[0] == 200
    Installation.objects.update(anchor=clock.now() - timedelta(minutes=11))
    assert asked(client) == (503, {"ready": False, "checks": {**ALL_OK, "ingest": "failed"}})
    organization = Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())
    Source.objects.create(organization=organization, name="usage", last_success_at=clock.now())
    assert asked(client)[0] == 200
    Source.objects.all().delete()
    Installation.objects.update(connect_error="")
    assert asked(client)[0] == 200
    organization.delete()
    held.delete()


def test_ops_04_a_broker_that_is_away_is_not_ready_and_back_when_it_is(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    with redis(tmp_path) as server:
        settings.BROKER_URL = server.url
        assert asked(client) == (200, {"ready": True, "checks": ALL_OK})
    began = time.monotonic()
    assert asked(client) == (503, {"ready": False, "checks": {**ALL_OK, "broker": "failed"}})
    assert time.monotonic() - began < 3


def test_a_broker_that_hangs_has_failed_after_two_seconds(client: Client, settings: Any) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        assert asked(client)[1]["checks"]["broker"] == "failed"
        assert time.monotonic() - began < 3.5


def test_ops_04_a_database_that_is_away_is_not_ready_and_what_it_would_tell_is_unknown(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = tmp_path / "nowhere" / "db.sqlite3" if connection.vendor == "sqlite" else "nowhere"
    connection.close()
    kept = connection.settings_dict["NAME"], connection.settings_dict.get("OPTIONS", {})
    try:
        connection.settings_dict["NAME"] = str(away)
        if connection.vendor == "sqlite":
            monkeypatch.setattr(connection, "is_in_memory_db", lambda: False)
            connection.connection = None
        assert asked(client) == (
            503,
            {
                "ready": False,
                "checks": {"database": "failed", "broker": "ok", "scheduler": "unknown", "ingest": "unknown"},
            },
        )
        assert client.get("/healthz").status_code == 200
        assert client.get("/healthz", headers={"host": "localhost"}).status_code == 200
        assert client.get("/readyz", headers={"host": "localhost"}).status_code == 503
    finally:
        connection.settings_dict["NAME"], connection.settings_dict["OPTIONS"] = kept
        connection.close()


def test_health_asks_no_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz", headers={"host": "localhost"}).content == b"ok"


def test_a_flood_is_answered_from_one_check() -> None:
    counted: list[int] = []

    def slow() -> probes.Checks:
        counted.append(1)
        time.sleep(0.2)
        return dict(ALL_OK)

    kept = probes.Kept(slow)
    threads = [threading.Thread(target=kept.get) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.get() == ALL_OK
    assert len(counted) == 1


def test_who_asks_while_a_check_is_at_work_gets_the_last_answer_unless_it_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["ok", "failed", "ok"])
    kept = probes.Kept(lambda: {"database": next(answers)})
    assert kept.get() == {"database": "ok"}
    monkeypatch.setattr(kept, "_until", time.monotonic() - 1)
    with kept._lock:
        assert kept.get() == {"database": "ok"}
    assert kept.get() == {"database": "failed"}
    monkeypatch.setattr(kept, "_until", time.monotonic() - probes.PATIENCE_SECONDS - 1)
    assert kept.get() == {"database": "ok"}


def test_only_reading_is_asked(client: Client) -> None:
    assert client.head("/readyz").status_code == 200
    assert client.post("/readyz").status_code == 405
