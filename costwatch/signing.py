"""The signing key of a local machine: made once, and kept beside the data."""

import os
import secrets
import time
from pathlib import Path

TRIES, SECONDS = 10, 0.1


def kept_key(folder: Path) -> str:
    """The key in a data folder, made where there is none. Raises: ValueError with a sentence that says what to do."""
    path = folder / "secret_key"
    try:
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(made_key())
        except FileExistsError:
            pass
        return _read(path)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be used: {error.strerror}. Give this user the folder, or name another in COSTWATCH_DATA_DIR"
        ) from None


def made_key() -> str:
    """A new key."""
    return secrets.token_urlsafe(64)


def _read(path: Path) -> str:
    """What the file says; another process may just be about to write it."""
    for _ in range(TRIES):
        try:
            key = path.read_text().strip()
        except UnicodeDecodeError:
            break
        if key:
            return key
        time.sleep(SECONDS)
    raise ValueError(f"{path} holds no key. Delete it, and a new one is made; everybody signs in again")
