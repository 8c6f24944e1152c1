"""An acknowledgement that fails ends the worker's loop, which then connects anew (TSK-07)."""

from collections.abc import Iterator

import pytest
from celery import current_app
from kombu import Connection, Message, Queue
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from costwatch.acknowledging import Request
from costwatch.ingest.tasks import tick


@pytest.fixture
def message() -> Iterator[Message]:
    """A message as a worker gets it."""
    with Connection("memory://") as connection:
        tick.apply_async(connection=connection, queue="acknowledging")
        found = Queue("acknowledging")(connection.channel()).get()
        assert found is not None
        yield found


@pytest.fixture
def hub() -> Iterator[Hub]:
    """The loop of a worker."""
    before, made = get_event_loop(), Hub()
    set_event_loop(made)
    yield made
    set_event_loop(before)
    made.close()


def lost(*_: object) -> None:
    raise ConnectionResetError("the broker is gone")


def request(message: Message) -> Request:
    return Request(message, on_ack=lost, app=current_app, task=tick, connection_errors=(ConnectionResetError,))


def test_every_task_is_acknowledged_so() -> None:
    assert tick.Request is Request


def test_tsk_07_the_loop_ends_with_the_error_that_celery_swallows(message: Message, hub: Hub) -> None:
    request(message).acknowledge()
    with pytest.raises(ConnectionResetError, match="the broker is gone"):
        next(hub.create_loop())


def test_tsk_07_a_message_of_an_earlier_connection_ends_nothing(message: Message, hub: Hub) -> None:
    message.channel.close()
    request(message).acknowledge()
    # A round of the loop in which nothing is raised.
    next(hub.create_loop())


def test_other_errors_are_not_kept_quiet(message: Message, hub: Hub) -> None:
    made = Request(message, on_ack=lost, app=current_app, task=tick, connection_errors=(TimeoutError,))
    with pytest.raises(ConnectionResetError):
        made.acknowledge()
