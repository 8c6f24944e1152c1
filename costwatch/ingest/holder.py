"""Who holds a lease: a process, named so that nobody takes it for another one.

A process number says nothing by itself: each container counts its own, two containers may share a host name, and a
number is given again after a restart. So a holder names the space its number belongs to and the moment it began.
"""

import contextlib
import hashlib
import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lease.

    Shape: `place` is the machine and its space of process numbers; `began` the start of the process in ticks since the
    machine's, empty where there is no /proc; `mark` tells two leases of one process apart.
    """

    place: str
    pid: int
    began: str
    mark: str

    @classmethod
    def of_this_process(cls, mark: str) -> "Holder":
        """This process."""
        return cls(_here(), os.getpid(), _began(os.getpid()), mark)

    @classmethod
    def read(cls, text: str) -> "Holder | None":
        """A holder from its text; None where it was written by something else."""
        parts = text.split(":")
        if len(parts) != 4 or not parts[1].isdecimal():
            return None
        return cls(parts[0], int(parts[1]), parts[2], parts[3])

    @classmethod
    def of_worker(cls) -> "Holder":
        """The worker this process belongs to: what `be_worker` named before it was forked, else the process itself."""
        return _worker or cls.of_this_process("")

    @property
    def text(self) -> str:
        """As it stands in the lease's row."""
        return f"{self.place}:{self.pid}:{self.began}:{self.mark}"

    @property
    def is_from_here(self) -> bool:
        """Whether its process number means something in this process."""
        return self.place == _here()

    @property
    def is_running(self) -> bool:
        """Whether the process still runs, and is the same one. Of here only."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _began(self.pid) == self.began


_worker: Holder | None = None


def be_worker() -> None:
    """Name this process as a worker: children that are forked from it belong to it, and may die without it."""
    global _worker
    _worker = Holder.of_this_process("")


@lru_cache(maxsize=1)
def _here() -> str:
    named = [socket.gethostname()]
    with contextlib.suppress(OSError):
        named += [(PROC / "sys/kernel/random/boot_id").read_text().strip(), str((PROC / "self/ns/pid").stat().st_ino)]
    return hashlib.blake2b("\0".join(named).encode(), digest_size=6).hexdigest()


def _began(pid: int) -> str:
    """The start of a process. A dead child nobody has waited for yet (a zombie) counts as gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    # The name, in parentheses, may hold anything; fields are counted behind it.
    fields = text.rpartition(")")[2].split()
    return "gone" if fields[0] in ("Z", "X") else fields[19]
