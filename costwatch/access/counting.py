"""The cache in which failed sign-ins are counted where the broker is Redis: shared, and never in the way."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


class SharedCache(RedisCache):
    """Redis; while it is away, the memory of this process.

    A broker that restarts must not keep people out. Each process then counts for itself: fewer failures are seen, none
    is forgotten by the process that saw it.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while-redis-is-away", {})

    def get(self, *given: Any, **named: Any) -> Any:
        """A value, or the default."""
        return self._either(lambda cache: cache.get(*given, **named), super())

    def set(self, *given: Any, **named: Any) -> Any:
        """Keep a value."""
        return self._either(lambda cache: cache.set(*given, **named), super())

    def add(self, *given: Any, **named: Any) -> Any:
        """Keep a value where there is none."""
        return self._either(lambda cache: cache.add(*given, **named), super())

    def incr(self, *given: Any, **named: Any) -> Any:
        """Count up. Raises: ValueError where there is no value."""
        return self._either(lambda cache: cache.incr(*given, **named), super())

    def delete(self, *given: Any, **named: Any) -> Any:
        """Forget a value."""
        return self._either(lambda cache: cache.delete(*given, **named), super())

    def _either(self, do: Callable[[Any], Any], shared: Any) -> Any:
        try:
            return do(shared)
        except RedisError:
            return do(self._own)
