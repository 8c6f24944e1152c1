"""Five failed sign-ins in a quarter of an hour, per name and address. Counted in Django's cache."""

import hashlib
import secrets

from django.core.cache import cache

FAILURES = 5
WINDOW_SECONDS = 15 * 60


def _key(username: str, address: str) -> str:
    started = cache.get(_round_of(username), "")
    mark = "\0".join((username.strip().casefold(), address, started))
    return f"sign-in:{_digest(mark)}"


def _round_of(username: str) -> str:
    return f"sign-in-round:{_digest(username.strip().casefold())}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def take(username: str, address: str) -> int:
    """Count a try before its password is looked at, so that tries side by side are not more; how many are left.

    Below zero there was none left to take. The quarter of an hour starts with the first try.
    """
    key = _key(username, address)
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return FAILURES - cache.incr(key)
    except ValueError:  # It ran out between the two lines.
        cache.set(key, 1, WINDOW_SECONDS)
        return FAILURES - 1


def forget(username: str, address: str) -> None:
    """A sign-in that worked starts over."""
    cache.delete(_key(username, address))


def forget_everywhere(username: str) -> None:
    """A new password starts over for that name, from every address: what was counted before is in no round any more."""
    # It lasts as long as the oldest count it hides.
    cache.set(_round_of(username), secrets.token_hex(8), WINDOW_SECONDS)
