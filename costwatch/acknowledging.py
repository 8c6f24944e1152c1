"""What a worker does where a message cannot be acknowledged: it connects to the broker anew.

A worker whose children are all busy waits for no message, so it does not see a broker restart. The acknowledgement that
fails then is Celery's only sign, and Celery logs it and goes on with a channel that stays full for ever: the worker
lives and hears nothing more (TSK-07).
"""

import celery
from celery.utils.log import get_logger
from celery.worker.request import Request as CeleryRequest
from kombu.asynchronous import get_event_loop

log = get_logger(__name__)


class Request(CeleryRequest):  # type: ignore[misc]
    """A message that is worked on."""

    acknowledged: bool

    def acknowledge(self) -> None:
        """Tell the broker that the message is done."""
        if self.acknowledged:
            return
        try:
            # No error is left for Celery to swallow.
            self._on_ack(log, ())
        except self._connection_errors as error:
            log.warning("could not acknowledge %s: %s", self.id, error)
            # That of a message from before is no sign that today's connection is lost.
            if not self.message.channel.closed:
                _connect_anew(error)
        self.acknowledged = True


def _connect_anew(error: Exception) -> None:
    """Let the worker's loop end with this error, as if it had seen it itself."""

    def fail() -> None:
        raise error

    if hub := get_event_loop():
        hub.call_soon(fail)  # type: ignore[no-untyped-call]


class Task(celery.Task):  # type: ignore[misc]
    """What every task is."""

    Request = Request
