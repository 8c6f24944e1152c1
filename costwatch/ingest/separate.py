"""The start of a worker or a scheduler that is a process of its own: refuse what cannot work, share no connection."""

import atexit
import sys
from contextlib import ExitStack
from typing import Any

from celery.signals import beat_init, celeryd_init, worker_before_create_process, worker_process_init
from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, connections

from costwatch.garbage import leave_loaded_alone
from costwatch.ingest.examine.boot import refuse_wrong_configuration
from costwatch.ingest.holder import be_worker
from costwatch.ingest.installation import WrongDatabase, prepare, upstream
from costwatch.role import BEAT

# What the worker needs for as long as it lives: the sandbox's server, where the sandbox is read.
_for_life = ExitStack()


@celeryd_init.connect
def begin_worker(**_: Any) -> None:
    """Before a worker (not the one inside `up`) takes its first task."""
    with _or_exit():
        refuse_wrong_configuration()
        be_worker()
        _for_life.enter_context(upstream())
        # Not left to the end of the interpreter: the sandbox's thread is gone then, and waiting for it takes for ever.
        atexit.register(_for_life.close)


@beat_init.connect
def begin_beat(**_: Any) -> None:
    """Before a scheduler rings for the first time; the one inside `up` has been looked at with everything else."""
    if settings.ROLE == BEAT:
        with _or_exit():
            refuse_wrong_configuration()
            prepare()


@worker_before_create_process.connect
def settle(**_: Any) -> None:
    """Before each child, also one that takes another's place."""
    leave_loaded_alone()


@worker_process_init.connect
def begin_child(**_: Any) -> None:
    """A child opens connections of its own: one that is shared with the parent mixes up their answers."""
    connections.close_all()


class _or_exit:  # noqa: N801
    """Ends the process with a sentence; nothing is left connected before children are made."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        connections.close_all()
        if isinstance(error, CommandError | WrongDatabase | Error):
            sys.exit(f"costwatch cannot start: {error}")
