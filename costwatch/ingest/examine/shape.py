"""Whether the parts fit together: this process's role, the broker, the database, the proxy and the secrets."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from costwatch.broker import SAFE, is_in_memory, is_known, is_readable, is_safe, scheme
from costwatch.ingest.examine.line import FAIL, NOTE, OK, WARN, Line
from costwatch.role import ALONE, SEPARATE, WEB

line = partial(Line, "Configuration")


def shape() -> Iterator[Line]:
    """Every line about what fits together. Reads the settings only."""
    yield from _broker()
    yield from _database()
    yield from _web()
    yield from _secrets()


def _broker() -> Iterator[Line]:
    name = scheme(settings.BROKER_URL) or "nothing"
    if is_in_memory(settings.BROKER_URL):
        if settings.ROLE in SEPARATE:
            yield line(
                FAIL,
                f"COSTWATCH_BROKER_URL is memory://, which no other process can hear, and this is a {settings.ROLE} "
                "process of its own",
                "Set it to a Redis, such as redis://redis:6379/0, or run everything in one process with manage.py up.",
            )
    elif not is_readable(settings.BROKER_URL):
        # Not quoted: it may hold a password.
        yield line(
            FAIL,
            "COSTWATCH_BROKER_URL is no broker's address",
            "Write it as redis://redis:6379/0; a password's special characters percent-encoded, a / as %2F.",
        )
    elif not is_safe(settings.BROKER_URL):
        yield line(
            FAIL if settings.PRODUCTION or not is_known(settings.BROKER_URL) else WARN,
            f"the broker {name}:// of COSTWATCH_BROKER_URL loses messages when a worker dies, or is not known",
            f"Use one of {', '.join(SAFE)}, such as redis://redis:6379/0.",
        )


def _database() -> Iterator[Line]:
    if settings.ROLE in SEPARATE and "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        yield line(
            FAIL,
            f"the database is SQLite, and this is a {settings.ROLE} process of its own",
            "Set DATABASE_URL to a PostgreSQL, or run everything in one process with manage.py up.",
        )


def _web() -> Iterator[Line]:
    if settings.PRODUCTION and settings.HTTPS and not settings.TRUSTED_PROXY and settings.ROLE in (WEB, ALONE):
        yield line(
            FAIL,
            "COSTWATCH_PUBLIC_URL is https, and no proxy is trusted to say so: every page would redirect to itself",
            "Set COSTWATCH_TRUSTED_PROXY to the address the proxy connects from.",
        )
    if settings.TRUSTED_PROXY == "*":
        yield line(
            NOTE,
            "every address is trusted as a proxy (COSTWATCH_TRUSTED_PROXY is *)",
            "Let nobody but the proxy reach the port.",
        )
    elif settings.TRUSTED_PROXY:
        yield line(OK, f"X-Forwarded headers count when they come from {settings.TRUSTED_PROXY}")


def _secrets() -> Iterator[Line]:
    named = {
        "COSTWATCH_SECRET_KEY": settings.SECRET_KEY,
        "COSTWATCH_DATABASE_PASSWORD": settings.DATABASE_PASSWORD,
        "COSTWATCH_BROKER_PASSWORD": settings.BROKER_PASSWORD,
    }
    given = {name: value for name, value in named.items() if value}
    if settings.PRODUCTION and len(set(given.values())) < len(given):
        yield line(FAIL, f"two of {', '.join(given)} are the same", "Give each a value of its own.")
