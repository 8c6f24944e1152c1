"""The Admin key: held as a type that cannot print itself, read only when it is used, and cut out of every log line."""

import hashlib
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

VARIABLE = "COSTWATCH_ADMIN_KEY"
_SECRET_TEXT = re.compile(r"sk-ant-[A-Za-z0-9_\-]+")
_REDACTED = "sk-ant-[redacted]"


class MissingCredential(Exception):
    """No Admin key is configured, or its file cannot be read."""


class Secret:
    """A secret that shows only its fingerprint: in a repr, a log line, a traceback or a template."""

    __slots__ = ("_reveal", "fingerprint")

    def __init__(self, value: str) -> None:
        digest = hashlib.sha256(b"costwatch fingerprint:" + value.encode()).hexdigest()
        # The last characters help people tell keys apart; of something short they would be too much of it.
        self.fingerprint = f"{digest[:8]}…{value[-4:]}" if len(value) >= 24 else digest[:8]
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """The secret itself; called in one place, where the request header is made."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"Secret({self.fingerprint})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


def admin_key() -> Secret:
    """The configured Admin key, read again at each call so that a changed file takes effect.

    Raises: MissingCredential saying which variable to set.
    """
    path = os.environ.get(f"{VARIABLE}_FILE")
    if path:
        try:
            value = Path(path).read_text().strip()
        except OSError as error:
            raise MissingCredential(f"{VARIABLE}_FILE names {path}, which cannot be read: {error.strerror}") from None
    else:
        value = os.environ.get(VARIABLE, "").strip()
    if not value:
        raise MissingCredential(f"no Admin key: set {VARIABLE}_FILE (or {VARIABLE})")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise MissingCredential(f"the Admin key in {VARIABLE} has characters no key has; was it copied whole?")
    return Secret(value)


def redact(text: str) -> str:
    """Replace whatever looks like a key of the vendor's."""
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
