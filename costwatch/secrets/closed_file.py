"""Reading a file that only this process's user may read, and again only when it has changed."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from costwatch.upstream.credential import MissingCredential, Secret, secret_of

# Where container engines mount secrets: nobody but the processes of the container comes there.
MOUNTED_SECRETS = Path("/run/secrets")
LARGEST = 64 * 1024
OTHERS, OTHERS_WRITE = 0o077, 0o022
Mark = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file says, and what tells that it is still the same file, unchanged."""

    text: str
    mark: Mark


def read_closed(path: Path, named: str) -> Content:
    """The text of a file with a secret. Shape: `named` is how it is called in a sentence.

    Raises: MissingCredential where it cannot be read, or others may read or change it.
    """
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            refuse_open(path, about)
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise MissingCredential(f"{named}, which is too large for a secret", "Put the secret alone into it.")
        return Content(raw.decode(), _mark(about))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise MissingCredential(f"{named}, which cannot be read: {reason}", "Correct the path, or the file.") from None


def refuse_open(path: Path, about: os.stat_result) -> None:
    """Raises: MissingCredential where others than this process's user may read or change a file."""
    mode = stat.S_IMODE(about.st_mode)
    is_mounted = MOUNTED_SECRETS in path.absolute().parents
    if mode & (OTHERS_WRITE if is_mounted else OTHERS):
        raise MissingCredential(
            f"others on this machine may read or change {path} (mode {mode:04o})", f"chmod 600 {path}"
        )
    _refuse_foreign(path, about)


def refuse_open_folder(path: Path, about: os.stat_result) -> None:
    """Raises: MissingCredential where others may put files into a folder of secrets."""
    mode = stat.S_IMODE(about.st_mode)
    if mode & OTHERS_WRITE:
        raise MissingCredential(f"others on this machine may change {path} (mode {mode:04o})", f"chmod 700 {path}")
    _refuse_foreign(path, about)


def _refuse_foreign(path: Path, about: os.stat_result) -> None:
    is_mounted = path.absolute().is_relative_to(MOUNTED_SECRETS)
    if not is_mounted and about.st_uid not in (os.geteuid(), 0):
        raise MissingCredential(
            f"{path} belongs to another user (number {about.st_uid})", f"chown {os.geteuid()} {path}"
        )


class SecretFile:
    """A file with one secret. It may be replaced or rewritten at any time: the next use takes what is there then."""

    def __init__(self, path: Path, named: str, *, is_bearer: bool) -> None:
        self._path, self._named, self._is_bearer = path, named, is_bearer
        self._kept: tuple[Mark, Secret] | None = None

    def read(self) -> Secret:
        """What is in the file now. Raises: MissingCredential."""
        if self._kept and self._kept[0] == self._mark_now():
            return self._kept[1]
        content = read_closed(self._path, self._named)
        secret = secret_of(content.text, f"the file {self._path}", is_bearer=self._is_bearer)
        self._kept = (content.mark, secret)
        return secret

    def _mark_now(self) -> Mark | None:
        try:
            return _mark(self._path.stat())
        except OSError:
            return None


def _mark(about: os.stat_result) -> Mark:
    # The change time tells a file whose mode was opened, too.
    return about.st_ino, about.st_mtime_ns, about.st_ctime_ns, about.st_size
