"""What lets four requests of an organization out at once, from all processes together (HTTP-14)."""

import random
import secrets
import threading
import time
from functools import lru_cache

from django.conf import settings
from redis import Redis
from redis.exceptions import LockNotOwnedError, RedisError
from redis.lock import Lock

from costwatch import broker
from costwatch.ingest.holder import Holder
from costwatch.upstream.client import IN_FLIGHT
from costwatch.upstream.transport import TOTAL_SECONDS

# A request ends before that; the place of a machine that died is free after it. Units: seconds.
FREE_AFTER = TOTAL_SECONDS + 30
LOOKS_AGAIN = 0.02
# A Redis that hangs costs one request that long, and no other one for a while. Units: seconds.
ANSWERS_WITHIN, LEFT_ALONE = 1.0, 10.0
# Places that could not be given back, or may have been given to us, while Redis did not answer. Shape: name and holder.
_lost: set[tuple[str, str]] = set()
_alone_until = 0.0


class Gate:
    """Four places of this process, and four in the Redis that processes share.

    While Redis is away, or where it is not the broker, every process counts for itself.
    """

    def __init__(self, label: str) -> None:
        self._names = [f"costwatch-in-flight:{label}:{place}" for place in range(IN_FLIGHT)]
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
            if self._here.place:
                _give_back(*self._here.place)
        finally:
            self._of_process.release()

    def _take(self) -> tuple[str, str] | None:
        """Wait for a place. Shape: its name, and what says that it is ours; None while there are none to share."""
        mine = Holder.of_this_process(secrets.token_hex(8)).text
        while (redis := _shared()) is not None:
            try:
                for lost in list(_lost):
                    _free(redis, *lost)
                    _lost.discard(lost)
                # Not always the first: who comes later would ask for every place that is taken.
                for name in random.sample(self._names, IN_FLIGHT):
                    if Lock(redis, name, timeout=FREE_AFTER).do_acquire(mine):
                        return name, mine
                is_freed = self._freed(redis)
            except RedisError:
                _lost.update((name, mine) for name in self._names)
                _leave_alone()
                return None
            if not is_freed:
                time.sleep(LOOKS_AGAIN)
        return None

    def _freed(self, redis: Redis) -> bool:
        """Free the places of processes of this machine that have died."""
        texts = [(name, str(redis.get(name) or "")) for name in self._names]
        freed = [_free(redis, name, text) for name, text in texts if _is_over(text)]
        return any(freed)


@lru_cache(maxsize=1000)
def gate_of(label: str) -> Gate:
    """The gate of the organization that a credential reads."""
    return Gate(label)


def _give_back(name: str, mine: str) -> None:
    redis = _shared()
    try:
        if redis is not None:
            _free(redis, name, mine)
            return
    except RedisError:
        _leave_alone()
    # The next request of this process gives it back.
    _lost.add((name, mine))


def _free(redis: Redis, name: str, text: str) -> bool:
    """Free a place if it is still theirs: Redis looks and deletes in one step."""
    try:
        Lock(redis, name).do_release(text)
    except LockNotOwnedError:
        return False
    return True


def _is_over(text: str) -> bool:
    holder = Holder.read(text)
    return holder is not None and holder.is_from_here and not holder.is_running


def _shared() -> Redis | None:
    """The Redis in which places are shared; None where there is none, or it did not answer lately."""
    url = settings.BROKER_URL
    return _connected(url) if broker.scheme(url) in broker.REDIS and time.monotonic() >= _alone_until else None


def _leave_alone() -> None:
    global _alone_until
    _alone_until = time.monotonic() + LEFT_ALONE


@lru_cache(maxsize=4)
def _connected(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=ANSWERS_WITHIN, socket_connect_timeout=ANSWERS_WITHIN, decode_responses=True
    )
