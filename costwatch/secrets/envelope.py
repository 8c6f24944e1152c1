"""An envelope for one secret: encrypted with a key of its own, which a master key wraps; bound to its place.

AES-256-GCM twice, with random nonces of 96 bits. Both times the place is authenticated: moved to another row, field,
organization or origin, or wrapped by another master key, an envelope does not open.
"""

import os
from dataclasses import dataclass
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from costwatch.secrets.keyring import Keyring

NONCE = 12


class CannotOpen(Exception):
    """The envelope is not of this place, or was sealed by another key."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs: whose it is, in which row and field, and the one origin it may be sent to."""

    organization: str
    row: str
    field: str
    origin: str

    def bound_to(self, kek: str) -> bytes:
        """What is authenticated beside the secret: `v1|organization|row|field|origin|key id`."""
        # Quoted, so that no part can pretend to be two.
        parts = (self.organization, self.row, self.field, self.origin, kek)
        return "|".join(["v1", *(quote(part, safe=":/.@") for part in parts)]).encode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is kept. Shape: id of the master key; the wrapped key and the body, each behind its nonce."""

    kek: str
    wrapped: bytes
    body: bytes


def seal(secret: bytes, place: Place, ring: Keyring) -> Envelope:
    """Encrypt with a new key, and wrap that with the active master key."""
    key, bound = AESGCM.generate_key(256), place.bound_to(ring.active)
    return Envelope(ring.active, _encrypted(ring.keys[ring.active], key, bound), _encrypted(key, secret, bound))


def unseal(envelope: Envelope, place: Place, ring: Keyring) -> bytes:
    """The secret. Raises: CannotOpen."""
    master, bound = ring.keys.get(envelope.kek), place.bound_to(envelope.kek)
    if master is None:
        raise CannotOpen(f"its master key {envelope.kek!r} is not in the file")
    try:
        return _decrypted(_decrypted(master, envelope.wrapped, bound), envelope.body, bound)
    except (InvalidTag, ValueError):
        raise CannotOpen("it was sealed for another place, or by another key of that name") from None


def _encrypted(key: bytes, text: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, text, bound)


def _decrypted(key: bytes, text: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(text[:NONCE], text[NONCE:], bound)
