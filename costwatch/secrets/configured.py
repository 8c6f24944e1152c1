"""Which credentials this installation has now, one for each organization."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from costwatch.upstream.credential import VARIABLE, MissingCredential, Secret

FILES, DATABASE = "files", "database"


@dataclass(frozen=True, slots=True)
class Configured:
    """One credential. Shape: `label` tells it from others, `""` where one is enough; `where` is where it is kept.

    `read` gives what is there at that moment. Raises: MissingCredential.
    """

    label: str
    kind: str
    where: str
    read: Callable[[], Secret]

    @property
    def shown(self) -> str:
        """How it is called in a sentence."""
        return f"the {self.kind} {self.label!r}" if self.label else f"the {self.kind}"


def credentials() -> list[Configured]:
    """Every credential, by label. Shape: none where nothing is configured.

    Raises: MissingCredential where what is configured contradicts itself.
    """
    # Imported where they are needed: without database mode no process carries the cryptography.
    if settings.CREDENTIALS == DATABASE and not settings.SANDBOX:
        from costwatch.secrets import stored

        return stored.configured()
    from costwatch.secrets import files

    return files.sandbox() if settings.SANDBOX else files.configured()


def labels() -> frozenset[str]:
    """The labels of all credentials. Raises: MissingCredential."""
    return frozenset(one.label for one in credentials())


def find(label: str) -> Configured:
    """The credential of a label. Raises: MissingCredential where there is none."""
    found = credentials()
    for one in found:
        if one.label == label:
            return one
    if label:
        raise MissingCredential(
            f"there is no credential {label!r} any more", "Put it back, or keep what was read as it is."
        )
    raise MissingCredential(nothing())


def nothing() -> str:
    """That no credential is configured, and what would be one."""
    if settings.CREDENTIALS == DATABASE:
        return "no credential in the database: add one with manage.py credential add"
    from costwatch.secrets import files

    if folder := os.environ.get(files.FOLDER, ""):
        return f"no Admin key: {folder}, which {files.FOLDER} names, has no file in it"
    return f"no Admin key: set {VARIABLE}_FILE (or {VARIABLE})"
