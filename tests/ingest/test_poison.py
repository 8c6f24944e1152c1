"""Work that kills whoever takes it is left alone; workers that die are not held against it (TSK-08)."""

import logging
import os
from datetime import timedelta

import pytest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import tasks
from costwatch.ingest.holder import Holder
from costwatch.ingest.lease import lease
from costwatch.ingest.models import CoverageChange, Run, Source
from costwatch.ingest.poison import park_if_deadly

HERE = Holder.of_this_process("").text
ELSEWHERE = "0123456789ab:7:1:"
GONE = Holder(Holder.of_this_process("").place, os.getpid(), "1", "").text


def ended(organization: Organization, worker: str = HERE, outcome: str = "abandoned", done: int = 0) -> Run:
    return Run.objects.create(
        organization=organization,
        source="usage",
        started_at=clock.now(),
        outcome=outcome,
        windows_done=done,
        worker=worker,
    )


def test_tsk_08_three_children_in_a_row_and_the_source_is_left_alone_for_six_hours(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended(organization)
    ended(organization)
    assert not park_if_deadly(organization.pk, "usage")
    ended(organization, outcome="running")
    monkeypatch.setattr(tasks, "client", lambda: pytest.fail("a fourth one was begun"))
    with caplog.at_level(logging.ERROR):
        tasks.run_source(organization.pk, "usage")
    health = Source.objects.get(name="usage")
    assert health.paused_until == clock.now() + timedelta(hours=6)
    assert health.failures == 1
    assert health.last_error == (
        "Reading usage ended the worker's child 3 times in a row before anything of it was recorded, so it is left "
        "alone until 2026-11-20T20:05:00Z. Look in the worker's log, and for a limit of memory, for what ended it; "
        "manage.py sync --source usage tries again at once."
    )
    assert [record.message for record in caplog.records] == [health.last_error]
    assert not park_if_deadly(organization.pk, "cost")


def test_tsk_08_after_six_hours_there_are_three_more_tries(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ended(organization)
    assert park_if_deadly(organization.pk, "usage")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T20:06:00Z")
    for _ in range(2):
        assert not park_if_deadly(organization.pk, "usage")
        ended(organization)
    assert not park_if_deadly(organization.pk, "usage")
    ended(organization)
    assert park_if_deadly(organization.pk, "usage")


@pytest.mark.parametrize("worker", [GONE, ELSEWHERE, ""], ids=["gone", "elsewhere", "unknown"])
def test_tsk_08_workers_that_died_themselves_say_nothing_about_the_work(
    organization: Organization, worker: str
) -> None:
    ended(organization, worker)
    ended(organization, HERE)
    ended(organization, HERE)
    assert not park_if_deadly(organization.pk, "usage")


def test_tsk_08_a_worker_of_another_machine_lived_on_where_it_began_something_later(organization: Organization) -> None:
    for _ in range(3):
        ended(organization, ELSEWHERE)
    assert not park_if_deadly(organization.pk, "usage")
    Run.objects.create(organization=organization, source="cost", started_at=clock.now(), worker=ELSEWHERE)
    assert park_if_deadly(organization.pk, "usage")


def test_tsk_08_what_a_worker_began_beside_it_before_both_died_is_no_sign_of_life(organization: Organization) -> None:
    for number in range(3):
        worker = f"0123456789ab:{number}:1:"
        ended(organization, worker)
        Run.objects.create(organization=organization, source="cost", started_at=clock.now(), worker=worker)
    assert not park_if_deadly(organization.pk, "usage")


@pytest.mark.parametrize(("outcome", "done"), [("failed", 0), ("succeeded", 0), ("abandoned", 1)])
def test_tsk_08_a_run_that_said_why_or_got_somewhere_breaks_the_row(
    organization: Organization, outcome: str, done: int
) -> None:
    ended(organization)
    ended(organization, outcome=outcome, done=done)
    ended(organization)
    assert not park_if_deadly(organization.pk, "usage")


def test_tsk_08_what_was_recorded_counts_though_its_run_never_said_so(organization: Organization) -> None:
    runs = [ended(organization) for _ in range(3)]
    now = clock.now()
    CoverageChange.objects.create(
        organization=organization, source="usage", start=now, end=now, state="open", seen_at=now, run=runs[1].pk
    )
    assert not park_if_deadly(organization.pk, "usage")


def test_tsk_08_a_run_at_work_is_not_dead(organization: Organization) -> None:
    ended(organization)
    ended(organization)
    with lease(organization.pk, "usage"):
        ended(organization, outcome="running")
        assert not park_if_deadly(organization.pk, "usage")
    assert park_if_deadly(organization.pk, "usage")
