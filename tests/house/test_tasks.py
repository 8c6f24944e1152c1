"""Task settings are asserted on the loaded application, not assumed (TSK-01)."""

import subprocess
import sys
from pathlib import Path

from celery.signals import worker_process_init

from costwatch.allocator import keep_little
from costwatch.broker import transport_options
from costwatch.celery import app
from costwatch.ingest.separate import begin_child
from costwatch.ingest.tasks import SECONDS_A_TASK

ROOT = Path(__file__).resolve().parents[2]


def test_tsk_01_the_worker_settings_are_safe() -> None:
    conf = app.conf
    assert conf.task_acks_late is True
    assert conf.task_reject_on_worker_lost is True
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_soft_time_limit == 240
    assert conf.task_time_limit == 300
    assert conf.worker_max_memory_per_child == 400_000
    assert conf.worker_soft_shutdown_timeout == 20


def test_tsk_01_the_broker_options_are_safe() -> None:
    """Redis gives a message again after three times the longest a task may take, and looks for such every 10 s."""
    options = transport_options("redis://redis:6379/0")
    assert options["visibility_timeout"] == 900 > 2 * app.conf.task_time_limit
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (10, 1)
    assert app.conf.broker_connection_max_retries is None
    assert app.conf.broker_connection_retry_on_startup is True
    assert app.conf.worker_cancel_long_running_tasks_on_connection_loss is False
    assert app.conf.beat_scheduler == "costwatch.ingest.scheduler:Bell"


def test_tsk_01_a_child_closes_the_connections_it_was_born_with() -> None:
    app.loader.import_default_modules()
    receivers = [receiver() for _, receiver in worker_process_init.receivers]
    assert begin_child in receivers


def test_tsk_15_a_task_hands_on_before_a_stop_becomes_impatient() -> None:
    assert SECONDS_A_TASK < app.conf.worker_soft_shutdown_timeout < app.conf.task_soft_time_limit


def test_tsk_01_only_json_is_spoken() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.result_serializer == "json"


def test_nobody_can_control_a_worker_through_the_broker() -> None:
    assert app.conf.worker_enable_remote_control is False
    assert app.conf.task_ignore_result is True


def test_the_beat_schedule_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_a_tick_that_waited_a_minute_is_dropped() -> None:
    tick = app.conf.beat_schedule["tick"]
    assert tick["schedule"] == 60.0
    assert tick["options"]["expires"] == 55


def test_tasks_accept_arguments_they_do_not_know() -> None:
    """Old and new messages meet during an upgrade: a task that takes arguments takes more of them."""
    import inspect

    app.loader.import_default_modules()
    for name, task in app.tasks.items():
        parameters = inspect.signature(task.run).parameters.values()
        if name.startswith("costwatch.") and parameters:
            assert any(one.kind is one.VAR_KEYWORD for one in parameters), name


def test_a_worker_has_neither_pages_nor_the_api_in_memory() -> None:
    asked = (
        "import sys; from costwatch.celery import app; from celery.signals import worker_init; "
        "app.loader.import_default_modules(); worker_init.send(app); unwanted = {'rest_framework.serializers', "
        "'costwatch.urls', 'costwatch.web.urls'}; print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_allocator_of_this_system_gives_memory_back() -> None:
    assert keep_little()
