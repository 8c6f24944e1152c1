"""What the vendor says, as a database can hold it."""

from datetime import datetime

import msgspec

from costwatch import clock

ID_LIMIT = 200
_LARGEST = 2**63 - 1


def text(said: str | None, limit: int | None = None) -> str:
    """A text without NUL, which PostgreSQL refuses, cut to a limit."""
    return (said or "").replace("\x00", "\u2400")[:limit]


def json(value: object) -> object:
    """A JSON value as PostgreSQL can hold it: jsonb refuses NUL."""
    return msgspec.json.decode(msgspec.json.encode(value).replace(b"\\u0000", b"\\u2400"))


def time(said: str | None) -> datetime | None:
    """A time of an object; one we cannot read is left out, the object stays."""
    try:
        return clock.parse(said) if said else None
    except ValueError:
        return None


def count(value: int | None) -> int | None:
    """A whole number within 64 bits; beyond them it limits nothing."""
    return None if value is None else max(-_LARGEST, min(_LARGEST, value))
