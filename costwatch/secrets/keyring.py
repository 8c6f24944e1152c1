"""The master keys that wrap every stored secret: a file of lines `id:base64 of 32 bytes`, the first one encrypts."""

import base64
import binascii
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

from costwatch.secrets.closed_file import read_closed
from costwatch.upstream.credential import MissingCredential

VARIABLE = "COSTWATCH_KEK_FILE"
LENGTH = 32
# 32 random bytes have fewer different ones less often than once in 10^12.
FEWEST_DIFFERENT = 20
NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
MAKE_ONE = 'Make one with: (umask 077; echo "k1:$(openssl rand -base64 32)" > kek)'


@dataclass(frozen=True, slots=True)
class Keyring:
    """The master keys by id; `active` is the id of the one that encrypts."""

    active: str
    keys: dict[str, bytes] = field(repr=False)


def keyring() -> Keyring:
    """The keys of the file. Raises: MissingCredential with every mistake in it."""
    ring, wrong = _read()
    if ring is None or wrong:
        raise MissingCredential("; ".join(wrong), MAKE_ONE)
    return ring


def mistakes() -> list[str]:
    """What is wrong with the file, a sentence each; nothing where it is right."""
    return _read()[1]


def _read() -> tuple[Keyring | None, list[str]]:
    path = os.environ.get(VARIABLE, "")
    if not path:
        return None, [f"COSTWATCH_CREDENTIALS is database, and no {VARIABLE} says where the master key is"]
    try:
        text = read_closed(Path(path), f"{VARIABLE} names {path}").text
    except MissingCredential as error:
        return None, [str(error)]
    wrong: list[str] = []
    keys: dict[str, bytes] = {}
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        wrong.append(f"{VARIABLE} names {path}, which holds no key")
    for number, line in enumerate(lines, 1):
        name, _, encoded = line.partition(":")
        if not encoded or not NAME.fullmatch(name):
            wrong.append(f"key {number} in {path} is not written as id:base64 of {LENGTH} bytes")
            continue
        key = _decoded(encoded.strip())
        said = "" if key is None else _objection(key, encoded.strip())
        if key is None:
            wrong.append(f"key {name} in {path} is not base64")
        elif said:
            wrong.append(f"key {name} in {path} {said}")
        elif name in keys or key in keys.values():
            wrong.append(f"key {name} is in {path} twice")
        else:
            keys[name] = key
    return (Keyring(next(iter(keys)), keys) if keys else None), wrong


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _objection(key: bytes, encoded: str) -> str:
    """Why a key must not be used, as the end of a sentence; nothing where it may."""
    for name, other in _others():
        if other and (encoded == other or key == other.encode() or key == _decoded(other)):
            return f"is the same as {name}"
    if len(key) != LENGTH:
        return f"has {len(key)} bytes, not {LENGTH}"
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(steps) == 1 or len(set(key)) < FEWEST_DIFFERENT or all(32 <= one < 127 for one in key):
        return "is not random"
    return ""


def _others() -> Iterator[tuple[str, str]]:
    """The other secrets of this installation: none of them may be a master key, too."""
    yield "COSTWATCH_SECRET_KEY", settings.SECRET_KEY
    yield "COSTWATCH_DATABASE_PASSWORD", str(settings.DATABASES["default"].get("PASSWORD") or "")
    yield "COSTWATCH_BROKER_PASSWORD", settings.BROKER_PASSWORD
    # An address that cannot be read is a mistake of its own.
    with suppress(ValueError):
        yield "the password of COSTWATCH_BROKER_URL", unquote(urlsplit(settings.BROKER_URL).password or "")
    yield "COSTWATCH_METRICS_TOKEN", settings.METRICS_TOKEN
    yield "COSTWATCH_OBSERVATIONS_TOKEN", settings.OBSERVATIONS_TOKEN
