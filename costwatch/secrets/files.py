"""Credentials from the environment and from files: the default. None of them is in any database."""

import os
import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from costwatch.secrets import keyring
from costwatch.secrets.closed_file import SecretFile, refuse_open_folder
from costwatch.secrets.configured import DATABASE, Configured
from costwatch.upstream.credential import ADMIN_KEY, BEARER, VARIABLE, MissingCredential, secret_of

KEY_FILE = f"{VARIABLE}_FILE"
TOKEN_FILE, FOLDER = "COSTWATCH_BEARER_TOKEN_FILE", "COSTWATCH_ADMIN_KEYS_DIR"
ENDING_OF_TOKENS = ".token"
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def configured() -> list[Configured]:
    """The single credential and those of the folder. Raises: MissingCredential where two contradict each other."""
    return [*_single(), *_folder()]


def are_given(mode: str) -> bool:
    """Whether this process is given any credential, or the master key of those in the database. Reads none of them."""
    names = (keyring.VARIABLE,) if mode == DATABASE else (VARIABLE, KEY_FILE, TOKEN_FILE, FOLDER)
    return any(os.environ.get(name) for name in names)


def is_shadowed() -> bool:
    """Whether there is a key in the environment which a file stands before."""
    return bool(os.environ.get(VARIABLE) and os.environ.get(KEY_FILE))


def sandbox() -> list[Configured]:
    """The sandbox's key, which its server puts into the environment of this process."""
    return [_from_environment()] if os.environ.get(VARIABLE) else []


def _single() -> Iterator[Configured]:
    key_file, token_file = os.environ.get(KEY_FILE, ""), os.environ.get(TOKEN_FILE, "")
    if token_file and (key_file or os.environ.get(VARIABLE)):
        raise MissingCredential(
            f"an Admin key and a Bearer token are both configured ({KEY_FILE if key_file else VARIABLE} and "
            f"{TOKEN_FILE})",
            "One organization is read with one of them; unset the other.",
        )
    if token_file:
        yield _from_file("", Path(token_file), f"{TOKEN_FILE} names {token_file}", is_bearer=True)
    elif key_file:
        yield _from_file("", Path(key_file), f"{KEY_FILE} names {key_file}", is_bearer=False)
    elif os.environ.get(VARIABLE, "").strip():
        yield _from_environment()


def _folder() -> Iterator[Configured]:
    """One file for each organization, named for it; with the ending `.token` it holds a Bearer token."""
    given = os.environ.get(FOLDER, "")
    if not given:
        return
    folder = Path(given)
    try:
        refuse_open_folder(folder, folder.stat())
        # What begins with a dot is a mount's own business.
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())
    except OSError as error:
        raise MissingCredential(
            f"{FOLDER} names {folder}, which cannot be read: {error.strerror}", "Correct the path, or the folder."
        ) from None
    seen: set[str] = set()
    for path in paths:
        label = path.name.removesuffix(ENDING_OF_TOKENS)
        if not LABEL.fullmatch(label):
            raise MissingCredential(
                f"the file {path.name!r} in {folder} has a name that is no label",
                "Name it with letters, digits, dots, dashes and underscores, 64 at most.",
            )
        if label in seen:
            raise MissingCredential(
                f"{folder} holds an Admin key and a Bearer token for {label!r}",
                "One organization is read with one of them; remove the other file.",
            )
        seen.add(label)
        is_bearer = path.name.endswith(ENDING_OF_TOKENS)
        yield _from_file(label, path, f"{FOLDER} holds {path}", is_bearer=is_bearer)


def _from_environment() -> Configured:
    return Configured(
        "", ADMIN_KEY, VARIABLE, lambda: secret_of(os.environ.get(VARIABLE, ""), f"the variable {VARIABLE}")
    )


def _from_file(label: str, path: Path, named: str, *, is_bearer: bool) -> Configured:
    file = _file(path, named, is_bearer)
    return Configured(label, BEARER if is_bearer else ADMIN_KEY, f"the file {path}", partial(SecretFile.read, file))


@lru_cache(maxsize=1000)
def _file(path: Path, named: str, is_bearer: bool) -> SecretFile:
    """One for each file, so that it is read only when it has changed."""
    return SecretFile(path, named, is_bearer=is_bearer)
