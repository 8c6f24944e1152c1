"""The application's start: fingerprints become this installation's own."""

import hmac

from django.apps import AppConfig
from django.conf import settings

from costwatch.upstream.credential import set_pepper

LABEL = b"costwatch fingerprints v1"


class SecretsConfig(AppConfig):
    """Credentials."""

    name = "costwatch.secrets"

    def ready(self) -> None:
        """Derive the pepper of fingerprints from the signing key, which every part of an installation has."""
        set_pepper(pepper_of(settings.SECRET_KEY))


def pepper_of(signing_key: str) -> bytes:
    """32 bytes for fingerprints alone. Source: RFC 5869 (HKDF with SHA-256, no salt, one block)."""
    extracted = hmac.digest(bytes(32), signing_key.encode(), "sha256")
    return hmac.digest(extracted, LABEL + b"\x01", "sha256")
