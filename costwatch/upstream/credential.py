"""A secret of the Admin API: held as a type that cannot print itself, and cut out of every log line."""

import hmac
import logging
import os
import re
from collections import deque
from collections.abc import Callable
from typing import NoReturn

VARIABLE = "COSTWATCH_ADMIN_KEY"
ADMIN_KEY, BEARER = "Admin key", "Bearer token"
_SECRET_TEXT = re.compile(r"sk-ant-[A-Za-z0-9_\-]+|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-.]+")
_REDACTED = "sk-ant-[redacted]"
# What secrets of no known shape looked like: the newest few, so that they can be cut out of a sentence all the same.
_SHAPELESS: deque[str] = deque(maxlen=64)
SHORTEST = 16
# Set by the installation's start; before that fingerprints are good for nothing but this process.
_peppers = [os.urandom(32)]


class MissingCredential(Exception):
    """No credential is configured, or it cannot be read; `do` is what to do about it."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.do = do


def set_pepper(pepper: bytes) -> None:
    """Make fingerprints this installation's own: without its pepper nobody can try keys against them."""
    _peppers[0] = pepper


class Secret:
    """A secret that shows only its fingerprint: in a repr, a log line, a traceback or a template."""

    __slots__ = ("_reveal", "fingerprint", "is_bearer", "is_ordinary_key")

    def __init__(self, value: str, *, is_bearer: bool = False) -> None:
        digest = hmac.new(_peppers[0], value.encode(), "sha256").hexdigest()
        # The last characters help people tell keys apart; of something short they would be too much of it.
        self.fingerprint = f"{digest[:8]}…{value[-4:]}" if len(value) >= 24 else digest[:8]
        self.is_bearer = is_bearer
        self.is_ordinary_key = value.startswith("sk-ant-api")
        self._reveal: Callable[[], str] = lambda: value
        if len(value) >= SHORTEST and not _SECRET_TEXT.fullmatch(value) and value not in _SHAPELESS:
            _SHAPELESS.append(value)

    @property
    def kind(self) -> str:
        """What it is called: an Admin key or a Bearer token."""
        return BEARER if self.is_bearer else ADMIN_KEY

    def reveal(self) -> str:
        """The secret itself; called where the request header is made, and where it is encrypted to be kept."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"Secret({self.fingerprint})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def secret_of(text: str, named: str, *, is_bearer: bool = False) -> Secret:
    """A secret from what a person or a file gave.

    Raises: MissingCredential where nothing is there, or it has characters that no header carries.
    """
    value = text.strip()
    kind = BEARER if is_bearer else ADMIN_KEY
    if not value:
        raise MissingCredential(f"no {kind} in {named}", f"Put the {kind} alone into it.")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise MissingCredential(
            f"the {kind} in {named} has characters no key has; was it copied whole?", f"Put the {kind} alone into it."
        )
    return Secret(value, is_bearer=is_bearer)


def redact(text: str) -> str:
    """Replace whatever is or looks like a key or token."""
    for value in tuple(_SHAPELESS):
        text = text.replace(value, _REDACTED)
    return _SECRET_TEXT.sub(_REDACTED, text)


class RedactingFilter(logging.Filter):
    """Keeps keys out of log messages and their arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


class RedactingFormatter(logging.Formatter):
    """Keeps keys out of tracebacks, which are formatted after the filters have run."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
