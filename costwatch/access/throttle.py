"""Five failed sign-ins in a quarter of an hour, per name and address. Counted in Django's cache."""

import hashlib

from django.core.cache import cache

FAILURES = 5
WINDOW_SECONDS = 15 * 60


def _key(username: str, address: str) -> str:
    mark = f"{username.strip().casefold()}\0{address}".encode(errors="surrogatepass")
    return f"sign-in:{hashlib.sha256(mark).hexdigest()}"


def is_blocked(username: str, address: str) -> bool:
    """Whether this name has failed too often from this address."""
    return int(cache.get(_key(username, address), 0)) >= FAILURES


def record_failure(username: str, address: str) -> int:
    """Count a failure; how many tries are left. The quarter of an hour starts with the first failure."""
    key = _key(username, address)
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return max(0, FAILURES - cache.incr(key))
    except ValueError:  # It ran out between the two lines.
        cache.set(key, 1, WINDOW_SECONDS)
        return FAILURES - 1


def forget(username: str, address: str) -> None:
    """A sign-in that worked starts over."""
    cache.delete(_key(username, address))
