"""The data folder's lock: held by the one process that serves or restores it, freed by the kernel when that dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "up.lock"


class FolderInUse(Exception):
    """Another process has the folder; the message says which."""


@contextmanager
def only_one(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock inside a block; `what` is told to whoever comes meanwhile. Raises: FolderInUse, OSError."""
    with (folder / NAME).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise FolderInUse(file.read().strip() or "another process") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, {what}")
        file.flush()
        yield
