"""What lets four requests of an organization out at once, from all processes together (HTTP-14)."""

import random
import secrets
import threading
import time
from functools import lru_cache

from django.core.cache import cache

from costwatch.ingest.holder import Holder
from costwatch.upstream.client import IN_FLIGHT
from costwatch.upstream.transport import TOTAL_SECONDS

# A request ends before that; the place of a machine that died is free after it. Units: seconds.
FREE_AFTER = TOTAL_SECONDS + 30
LOOKS_AGAIN = 0.02


class Gate:
    """Four places of this process, and four in the cache that processes share.

    While the shared cache is away, or where there is none, every process counts for itself.
    """

    def __init__(self, label: str) -> None:
        self._names = [f"in-flight:{label}:{place}" for place in range(IN_FLIGHT)]
        self._of_process = threading.BoundedSemaphore(IN_FLIGHT)
        self._here = threading.local()

    def __enter__(self) -> None:
        self._of_process.acquire()
        try:
            self._here.place = self._take()
        except BaseException:
            self._of_process.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            name, mine = self._here.place
            # Somebody else's by now, where this request took longer than any may.
            if cache.get(name, mine) == mine:
                cache.delete(name)
        finally:
            self._of_process.release()

    def _take(self) -> tuple[str, str]:
        """Wait for a place. Shape: its name, and what says that it is ours."""
        mine = Holder.of_this_process(secrets.token_hex(8)).text
        while True:
            # Not always the first: who comes later would ask for every place that is taken.
            for name in random.sample(self._names, IN_FLIGHT):
                if cache.add(name, mine, FREE_AFTER):
                    return name, mine
            if not self._freed():
                time.sleep(LOOKS_AGAIN)

    def _freed(self) -> bool:
        """Free the places of processes of this machine that have died."""
        holders = {name: Holder.read(text) for name, text in cache.get_many(self._names).items()}
        dead = [name for name, one in holders.items() if one and one.is_from_here and not one.is_running]
        cache.delete_many(dead)
        return bool(dead)


@lru_cache(maxsize=1000)
def gate_of(label: str) -> Gate:
    """The gate of the organization that a credential reads."""
    return Gate(label)
