"""Whoever rings, and however often: each slot once, each unit once at a time, the same in the end."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from costwatch.directory.models import Organization
from costwatch.ingest import cost, heartbeat, slots, tasks, usage
from costwatch.ingest import lease as leases
from costwatch.ingest.connect import client, connect
from costwatch.ingest.holder import Holder
from costwatch.ingest.lease import Busy, Held, lease, sweep
from costwatch.ingest.models import Coverage, Heartbeat, Lease, Run, Slot
from costwatch.ingest.unfinished import unfinished
from costwatch.ledger.models import Fact, ReportedLine, SeriesMonth, StaleMonth
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync
from .test_sync import assert_equals_truth, everything

MINUTE = timedelta(minutes=1)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What would be sent to the broker."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks.run_source, "delay", lambda *arguments: sent.append(arguments))
    return sent


def test_tsk_05_three_schedulers_ring_once_a_minute_for_half_an_hour(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[int] = []
    monkeypatch.setattr(tasks, "ring", lambda: rings.append(1))
    begins = datetime(2026, 11, 20, 14, 0, 10, tzinfo=UTC)
    for minute in range(30):
        for late in (0.0, 0.4, 20.0):
            moment = begins + minute * MINUTE + timedelta(seconds=late)
            monkeypatch.setattr(slots, "database_now", lambda moment=moment: moment)
            tasks.tick()
    assert len(rings) == 30
    assert Slot.objects.filter(job="tick").count() == 30


def test_tsk_05_slots_of_yesterday_are_dropped_on_the_hour(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Slot.objects.create(job="tick", start=datetime(2026, 11, 19, 13, 59, tzinfo=UTC))
    Slot.objects.create(job="tick", start=datetime(2026, 11, 19, 15, 1, tzinfo=UTC))
    monkeypatch.setattr(slots, "database_now", lambda: datetime(2026, 11, 20, 15, 0, 3, tzinfo=UTC))
    assert slots.claim("tick", MINUTE)
    assert [slot.start.day for slot in Slot.objects.order_by("start")] == [19, 20]


def test_a_tick_leaves_a_sign_of_life_and_the_scheduler_another(db: None, rung: object) -> None:
    assert heartbeat.ages() == heartbeat.Ages(beat=None, worker=None)
    Organization.objects.create(external_id="org-1", name="Example Inc", created_at=datetime.now(UTC))
    tasks.tick()
    tasks.hear()
    heartbeat.renew("beat")
    Heartbeat.objects.filter(role="beat").update(at=leases.database_now() - timedelta(seconds=200))
    ages = heartbeat.ages()
    for age in (ages.worker, ages.chores):
        assert age is not None
        assert age < timedelta(seconds=5)
    assert ages.beat is not None
    assert timedelta(seconds=199) < ages.beat < timedelta(seconds=205)


@pytest.mark.django_db(transaction=True)
def test_tsk_04_every_message_twice_and_at_once_ends_as_once(
    upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rounds as the tick rings them, each message delivered to two threads at the same moment."""
    with client() as opened:
        organization = connect(opened).organization
    monkeypatch.setattr(tasks.run_source, "delay", lambda *arguments: None)
    failures: list[BaseException] = []

    def deliver(source: str) -> None:
        try:
            tasks.run_source(organization.pk, source)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    for source in ("directory", "cost", "usage", "cost", "usage"):
        pair = [threading.Thread(target=deliver, args=(source,)) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
    assert failures == []
    assert_equals_truth(upstream, ("workspace_id", "model"))
    assert not Lease.objects.exists()
    runs = Run.objects.filter(windows_done__gt=0).order_by("started_at")
    twice = everything()
    tasks.run_source(organization.pk, "usage")
    assert everything() == twice
    assert not runs.filter(outcome="running").exists()


# -- leases -------------------------------------------------------------------------------------------------------


def lease_of(organization: Organization, holder: str, seconds: float) -> Lease:
    return Lease.objects.create(
        organization=organization,
        source="usage",
        holder=holder,
        expires_at=leases.database_now() + timedelta(seconds=seconds),
    )


def test_tsk_03_the_lease_of_a_dead_process_of_this_machine_is_free_at_once(organization: Organization) -> None:
    asked = "from costwatch.ingest.holder import Holder; print(Holder.of_this_process('dead').text)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    lease_of(organization, done.stdout.strip(), 60)
    assert sweep() == 1
    with lease(organization.pk, "usage"):
        assert sweep() == 0


def test_tsk_03_nobody_here_can_say_whether_a_process_of_another_container_lives(organization: Organization) -> None:
    """A number of another space, which is nobody's here: only its end frees it."""
    lease_of(organization, "0123456789ab:99999999:12345:other", 60)
    assert sweep() == 0
    with pytest.raises(Busy, match="another run of usage is at work"), lease(organization.pk, "usage"):
        pass
    Lease.objects.update(expires_at=leases.database_now() - timedelta(seconds=1))
    with lease(organization.pk, "usage"):
        pass


def test_tsk_03_a_number_that_was_given_again_is_not_the_holder(organization: Organization) -> None:
    parent = Holder(Holder.of_this_process("").place, os.getppid(), "1", "before the restart")
    lease_of(organization, parent.text, 60)
    assert sweep() == 1


def test_tsk_03_whoever_lost_the_lease_stops(organization: Organization) -> None:
    ended = lease_of(organization, "0123456789ab:7:1:slow", -1)
    assert sweep() == 1
    with lease(organization.pk, "usage"), pytest.raises(Busy, match="taken by another run"):
        Held(organization.pk, "usage", ended.holder).renew()


def test_tsk_02_what_was_begun_and_is_not_at_work_is_found(organization: Organization, now: datetime) -> None:
    def newest(source: str, outcome: str, done: int, planned: int) -> None:
        Run.objects.create(
            organization=organization,
            source=source,
            started_at=now,
            outcome=outcome,
            windows_done=done,
            windows_planned=planned,
        )

    newest("cost", "running", 0, 3)
    newest("cost", "succeeded", 3, 3)
    newest("usage", "succeeded", 2, 9)
    newest("directory", "failed", 0, 3)
    assert unfinished() == [(organization.pk, "usage")]
    with lease(organization.pk, "usage"):
        assert unfinished() == []
    newest("cost", "running", 1, 3)
    assert unfinished() == [(organization.pk, "usage"), (organization.pk, "cost")]


def test_ing_02_months_that_a_dead_run_left_behind_its_days_follow_without_another_run(
    run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything was read when it died, so nothing is due; the sweep finds the months all the same."""
    run("directory", "usage")
    expected = list(SeriesMonth.objects.order_by("month", "series").values())
    assert expected
    SeriesMonth.objects.filter(month=expected[-1]["month"]).delete()
    organization = Organization.objects.get()
    StaleMonth.objects.create(organization=organization, month=expected[-1]["month"])
    left = Run.objects.create(organization=organization, source="usage", started_at=datetime.now(UTC))
    monkeypatch.setattr(tasks.follow_months, "delay", tasks.follow_months)
    monkeypatch.setattr(tasks, "tick", lambda: None)
    with lease(organization.pk, "usage"):
        tasks.sweep()
        assert StaleMonth.objects.exists()
    Slot.objects.all().delete()
    asked = Run.objects.count()
    tasks.sweep()
    assert list(SeriesMonth.objects.order_by("month", "series").values()) == expected
    assert not StaleMonth.objects.exists()
    left.refresh_from_db()
    assert (left.outcome, Run.objects.count()) == ("abandoned", asked)


def test_a_run_whose_process_died_is_abandoned_when_the_next_one_begins(run: Sync) -> None:
    run("directory")
    organization = Organization.objects.get()
    left = Run.objects.create(organization=organization, source="usage", started_at=datetime.now(UTC))
    run("usage")
    left.refresh_from_db()
    assert (left.outcome, left.error) == ("abandoned", "the process ended before the run did")


def test_tsk_12_a_database_that_goes_away_in_a_task_is_asked_again(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    again: list[Any] = []

    def away(*_: object) -> bool:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(tasks, "is_due", away)
    monkeypatch.setattr(tasks.run_source, "apply_async", lambda *given, **options: again.append((given, options)))
    tasks.run_source(organization.pk, "usage")
    assert again == [(((organization.pk, "usage"),), {"countdown": 10})]


@pytest.mark.parametrize("source", ["cost", "usage"])
def test_tsk_03_a_holder_that_stood_still_writes_nothing_when_it_wakes(
    run: Sync, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen between reading and writing, longer than its lease lasts; somebody else takes over meanwhile."""
    run("directory")
    recorder = {"cost": cost, "usage": usage}[source].Recorder
    record = recorder.record

    def after_the_pause(self: Any, *given: Any) -> None:
        Lease.objects.filter(source=source).update(holder="0123456789ab:7:1:quicker")
        record(self, *given)

    monkeypatch.setattr(recorder, "record", after_the_pause)
    with pytest.raises(Busy, match="taken by another run"):
        run(source)
    assert not Fact.objects.exists()
    assert not ReportedLine.objects.exists()
    assert not Coverage.objects.filter(source=source).exists()
