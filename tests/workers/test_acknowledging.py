"""An acknowledgement that fails ends the worker's loop, which then connects anew (TSK-07)."""

from collections.abc import Callable, Iterator

import pytest
from celery import current_app
from celery.worker.request import Request as CeleryRequest
from kombu import Connection, Message, Queue
from kombu.asynchronous import Hub
from vine import promise

from costwatch.acknowledging import Request
from costwatch.ingest.tasks import tick

Round = Callable[[type[CeleryRequest]], None]


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch) -> Iterator[Message]:
    """A message as a worker gets it, whose broker has gone."""

    def lost(*_: object, **__: object) -> None:
        raise ConnectionResetError("the broker is gone")

    with Connection("memory://") as connection:
        tick.apply_async(connection=connection, queue="acknowledging")
        found = Queue("acknowledging")(connection.channel()).get()
        assert found is not None
        monkeypatch.setattr(found.channel, "basic_ack", lost)
        yield found


@pytest.fixture
def a_round(message: Message) -> Round:
    """Acknowledges the message as a worker does, by its loop, and lets the loop go round."""

    def go(kind: type[CeleryRequest]) -> None:
        hub = Hub()
        by_the_loop = promise(hub.call_soon, (message.ack_log_error,))
        kind(
            message, on_ack=by_the_loop, app=current_app, task=tick, connection_errors=(ConnectionResetError,)
        ).acknowledge()
        next(hub.create_loop())

    return go


def test_every_task_is_acknowledged_so() -> None:
    assert tick.Request is Request


def test_tsk_07_the_loop_ends_with_the_error(a_round: Round) -> None:
    with pytest.raises(ConnectionResetError, match="the broker is gone"):
        a_round(Request)


def test_tsk_07_which_celery_would_swallow(a_round: Round) -> None:
    a_round(CeleryRequest)
