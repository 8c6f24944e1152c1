"""Reading the environment: every mistake is noted as a sentence and replaced by something harmless.

So the start can refuse with all of them at once (`ingest/apps.py`) instead of with the first.
"""

import logging
import os
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

DATABASES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")
SHORTEST_TOKEN = 16
ON, OFF = ("on", "1", "true", "yes"), ("off", "0", "false", "no")


class Environment:
    """The variables of this process. A secret may come from a file that `<NAME>_FILE` names."""

    def __init__(self) -> None:
        self._env = environ.FileAwareEnv()
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """A variable, or the content of its file, without the newline that editors add."""
        try:
            return str(self._env.str(name, default)).strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            self.problems.append(f"{name}_FILE names {os.environ[f'{name}_FILE']}, which cannot be read: {reason}")
            return default

    def token(self, name: str) -> str:
        """A secret that programs show in a header; empty where there is none."""
        given = self.text(name)
        if given and len(given) < SHORTEST_TOKEN:
            self.problems.append(
                f"{name} is shorter than {SHORTEST_TOKEN} characters; make one with: openssl rand -hex 32"
            )
        if not given.isascii():
            self.problems.append(f"{name} has letters that no header carries; make one with: openssl rand -hex 32")
        return given

    def switch(self, name: str, *, default: bool) -> bool:
        """Something that is on or off."""
        given = self.text(name).lower()
        if given and given not in (*ON, *OFF):
            self.problems.append(f"{name} is {given!r}; it is either on or off")
        return given in ON if given in (*ON, *OFF) else default

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """One of a few words; the first is the default."""
        given = self.text(name, among[0]) or among[0]
        if given not in among:
            self.problems.append(f"{name} is {given!r}; it is either {' or '.join(among)}")
        return given

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        """A whole number."""
        given = self.text(name, str(default))
        if not given.isdecimal():
            self.problems.append(f"{name} is {given!r}, which is not a number")
        elif int(given) < least:
            self.problems.append(f"{name} is {given}, and must be at least {least}")
        else:
            return int(given)
        return default

    def level(self, name: str) -> str:
        """A level of the log, such as INFO."""
        given = self.text(name, "INFO").upper()
        if given not in logging.getLevelNamesMapping():
            self.problems.append(f"{name} is {given!r}; it is DEBUG, INFO, WARNING, ERROR or CRITICAL")
            return "INFO"
        return given

    def web_address(self, name: str, default: str) -> str:
        """The address of a site, such as https://costwatch.example.com."""
        given = self.text(name, default)
        if not is_web_address(given):
            self.problems.append(f"{name} is {given!r}; write it as https://costwatch.example.com")
            return default
        return given

    def database(self, name: str) -> dict[str, Any] | None:
        """The database an address names, as Django wants it; None where there is no address."""
        address = self.text(name)
        if not address:
            return None
        given = database_of(address)
        if given is None:
            self.problems.append(f"{name} is not an address such as postgres://user@host:5432/name")
        return given


def database_of(address: str) -> dict[str, Any] | None:
    """The database an address names, as Django wants it; None where it names none we know."""
    try:
        given: dict[str, Any] = environ.FileAwareEnv.db_url_config(address)
    except (KeyError, ValueError, ImproperlyConfigured):
        return None
    if given.get("ENGINE") not in DATABASES:
        return None
    # libpq writes the folder of a socket percent-encoded in the host's place.
    return {**given, "HOST": unquote(given.get("HOST") or "")}


def is_web_address(url: str) -> bool:
    """Whether a URL names a host, and a port that is one, by http or https."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
