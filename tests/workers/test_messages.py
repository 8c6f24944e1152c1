"""Messages between releases, and between a commit and a broker that is away."""

import inspect
from collections.abc import Callable

import psycopg
import pytest

from costwatch.celery import app
from tests.servers import Postgres, Redis, wait_for

from .conftest import Watched
from .installation import Installation
from .messages import RELEASES, body, message, name_of, send, stored, with_named

pytestmark = pytest.mark.timeout(240)
READ = "SELECT count(*) FROM ingest_run WHERE source = 'directory' AND outcome = 'succeeded'"


@pytest.mark.parametrize("release", RELEASES)
def test_tsk_16_every_message_of_a_release_fits_a_task_of_this_one(release: str) -> None:
    app.loader.import_default_modules()
    for one in stored(release):
        task = app.tasks[one["message"]["headers"]["task"]]
        arguments, named, _ = body(one)
        inspect.signature(task.run).bind(*arguments, **named, later="unknown")


def test_tsk_16_every_task_of_this_release_has_a_stored_message() -> None:
    app.loader.import_default_modules()
    ours = {name.rpartition(".")[2] for name in app.tasks if name.startswith("costwatch.")}
    assert ours == {name_of(one) for one in stored(RELEASES[-1])}


def test_tsk_16_a_worker_reads_stored_messages_and_ignores_what_it_does_not_know(
    install: Callable[[str], Installation], watch: Callable[[str], Watched], broker: Redis
) -> None:
    mixed, watched = install("mixed"), watch("mixed")
    mixed.environment |= {"COSTWATCH_BACKFILL_SINCE": "2026-11-19", "COSTWATCH_LOG_LEVEL": "INFO"}
    for release in RELEASES:
        for one in stored(release):
            send(broker, with_named(one, later={"nobody": "knows"}))
    send(broker, with_named(message("run_source", number=7), organization_name="Example Inc"))
    mixed.worker()
    wait_for(lambda: watched.one(READ) > 0, 60, "nothing was read")
    wait_for(lambda: broker.ask("LLEN", "costwatch") == broker.ask("LLEN", "fetch") == "0", 60, "messages are left")
    said = mixed.log.read_text()
    for wrong in ("TypeError", "unexpected keyword", "unregistered", "Traceback"):
        assert wrong not in said


def test_tsk_11_what_is_committed_while_the_broker_is_away_is_done_when_it_is_back(
    install: Callable[[str], Installation], watch: Callable[[str], Watched], broker: Redis, cluster: Postgres
) -> None:
    """No message is part of a commit: the database says what is due, and what was rolled back is not."""
    apart, watched = install("apart"), watch("apart")
    apart.environment["COSTWATCH_BACKFILL_SINCE"] = "2026-11-19"
    worker, beat = apart.worker(), apart.beat()
    wait_for(lambda: watched.one(READ) > 0 and watched.hours == 39, 90, "nothing was read")
    before = watched.one(READ)
    due_again = "UPDATE ingest_source SET last_success_at = NULL WHERE name = 'directory'"
    broker.stop()
    where = f"host={cluster.socket} user=costwatch dbname=apart"
    with psycopg.connect(where) as connection:
        connection.execute(due_again)
        # As if this minute's bell had been lost with the broker: without that it may have rung before the commit.
        connection.execute("DELETE FROM ingest_slot")
    broker.start()
    took = wait_for(lambda: watched.one(READ) > before, 60, "what was due did not begin")
    print(f"begun {took:.1f} s after the broker's return")

    done = watched.one(READ)
    with psycopg.connect(where) as connection:
        connection.execute(due_again)
        connection.rollback()
    send(broker, message("run_source", number=1))
    send(broker, with_named(message("run_source", number=2)))
    wait_for(lambda: broker.ask("LLEN", "fetch") == "0", 20, "messages are left")
    assert watched.one(READ) == done
    assert (worker.poll(), beat.poll()) == (None, None)
