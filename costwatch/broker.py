"""The broker: which ones may be used, how Celery talks to them, and the cache that lives beside the messages."""

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

MEMORY = "memory"
REDIS = ("redis", "rediss")
# Brokers that give a message back when its worker dies. Those in files or tables of SQL lose some.
SAFE = (*REDIS, "redis+socket", "rediss+socket", "sentinel", "amqp", "amqps", "pyamqp")
# Reading has a queue of its own: whoever waits for a vendor that hangs keeps nothing else from being done (TSK-09).
DEFAULT, FETCH = "costwatch", "fetch"
# Redis gives a message again when it was not acknowledged for that long: three times the longest a task may take.
VISIBILITY_SECONDS = 900


def scheme(url: str) -> str:
    """What stands before `://`, in small letters; `memory:` and `memory://` are the same."""
    return url.partition(":")[0].lower()


def is_in_memory(url: str) -> bool:
    """Whether the messages stay inside this process."""
    return scheme(url) == MEMORY


def is_safe(url: str) -> bool:
    """Whether a broker keeps what it was told while a worker dies."""
    return scheme(url) in SAFE


def is_readable(url: str) -> bool:
    """Whether a URL can be taken apart, each of them where a `;` separates several."""
    try:
        for one in url.split(";"):
            _ = urlsplit(one).port
    except ValueError:
        return False
    return is_in_memory(url) or "://" in url


def is_known(url: str) -> bool:
    """Whether there is a client for this kind of broker."""
    if is_in_memory(url) or is_safe(url):
        return True
    from kombu.transport import TRANSPORT_ALIASES

    return scheme(url).partition("+")[0] in TRANSPORT_ALIASES


def with_password(url: str, password: str) -> str:
    """The URL with a password that came from elsewhere; the user, if there is one, stays."""
    if not password or is_in_memory(url) or not is_readable(url):
        return url
    parts = urlsplit(url)
    user = parts.username or ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def transport_options(url: str) -> dict[str, Any]:
    """What Celery tells the broker's client."""
    if is_in_memory(url):
        return {}
    return {
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        # A broker that hangs is noticed, not waited for.
        "socket_connect_timeout": 5,
        "socket_timeout": 30,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "retry_on_timeout": True,
    }


def caches(url: str) -> dict[str, dict[str, Any]]:
    """Django's caches: in Redis where the broker is Redis, so that several web processes count sign-ins together."""
    if scheme(url) not in REDIS:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "costwatch.access.counting.SharedCache",
            "LOCATION": url,
            "KEY_PREFIX": "costwatch-cache",
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
    }
