"""What a worker does where a message cannot be acknowledged: it connects to the broker anew.

A worker whose children are all busy waits for no message, so it does not see a broker restart. The acknowledgement that
fails then is its only sign, and Celery logs it and goes on with a channel that stays full for ever: the worker lives
and hears nothing more (TSK-07).
"""

import celery
from celery.utils.log import get_logger
from celery.worker.request import Request as CeleryRequest

log = get_logger(__name__)


class Request(CeleryRequest):  # type: ignore[misc]
    """A message that is worked on."""

    acknowledged: bool

    def acknowledge(self) -> None:
        """Tell the broker that the message is done.

        Celery names the errors here that it then swallows. With none named, one ends the worker's loop, which connects
        anew as after every lost connection. What else the loop was to acknowledge in that round comes once more: its
        lease is free, and nothing is left to do.
        """
        if not self.acknowledged:
            self._on_ack(log, ())
            self.acknowledged = True


class Task(celery.Task):  # type: ignore[misc]
    """What every task is."""

    Request = Request
