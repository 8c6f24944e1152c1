"""Credentials in the database, encrypted: entered, replaced, read, wiped, and wrapped anew with another master key."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from costwatch import clock
from costwatch.secrets.configured import Configured
from costwatch.secrets.envelope import CannotOpen, Envelope, Place, seal, unseal
from costwatch.secrets.keyring import Keyring, keyring
from costwatch.secrets.models import Credential, SealedSecret, new_id
from costwatch.upstream.client import check_origin
from costwatch.upstream.credential import BEARER, MissingCredential, Secret

FIELD = "credential"
log = logging.getLogger(__name__)


def configured() -> list[Configured]:
    """Every stored credential; each is decrypted when it is read, once."""
    rows = Credential.objects.filter(sealed__isnull=False).select_related("sealed").order_by("label")
    return [Configured(row.label, row.kind, "the database", _Opened(row)) for row in rows]


class _Opened:
    """Reads one credential; what was read is kept for as long as a client uses it, whatever happens to the row."""

    def __init__(self, row: Credential) -> None:
        self._row = row
        self._kept: Secret | None = None

    def __call__(self) -> Secret:
        if self._kept is None:
            self._kept = _read(self._row)
        return self._kept


def add(*, label: str, secret: Secret, organization: str, set_by: str) -> Credential:
    """Keep a new credential. Raises: ValueError where the label is taken."""
    with transaction.atomic():
        old = Credential.objects.select_for_update().filter(label=label).first()
        if old and old.sealed_id:
            raise ValueError(f"there is a credential {label!r}; replace it with rotate, or choose another --label")
        sealed = _sealed(secret, organization)
        now = clock.now()
        row, _ = Credential.objects.update_or_create(
            label=label,
            defaults={
                "kind": secret.kind,
                "fingerprint": secret.fingerprint,
                "organization": organization,
                "set_at": now,
                "set_by": set_by,
                "last_used_at": now,
                "refused_at": None,
                "refusal": "",
                "sealed": sealed,
            },
        )
    return row


def replace(*, row: Credential, secret: Secret, set_by: str) -> None:
    """Switch to a new secret of the same organization; the old one is wiped in the same transaction."""
    with transaction.atomic():
        now, old = clock.now(), row.sealed
        row.sealed = _sealed(secret, row.organization)
        row.kind, row.fingerprint, row.set_at, row.set_by = secret.kind, secret.fingerprint, now, set_by
        row.last_used_at, row.refused_at, row.refusal = now, None, ""
        row.save()
        if old:
            _wipe(old)


def remove(row: Credential) -> None:
    """Wipe a credential and what was known of it. What was read with it stays."""
    with transaction.atomic():
        sealed = row.sealed
        row.delete()
        if sealed:
            _wipe(sealed)


@dataclass(slots=True)
class Rewrapped:
    """What came of wrapping anew: how many, and which could not be opened."""

    done: int = 0
    failed: int = 0


def rewrap(tell: Callable[[str], None]) -> Rewrapped:
    """Seal every secret that another master key wraps with the active one, each in a transaction of its own.

    Killed anywhere, every secret is sealed either by the old key or by the new one, and a second call carries on.
    Raises: MissingCredential where there are no keys.
    """
    ring, came = keyring(), Rewrapped()
    for identity in list(_on_others(ring)):
        with transaction.atomic():
            sealed = SealedSecret.objects.select_for_update().filter(pk=identity).first()
            if sealed is None or sealed.kek == ring.active:
                continue
            # Where it may be sent is as it was: who changes the origin enters the secret again.
            place = _place(sealed, sealed.origin)
            try:
                envelope = seal(unseal(_envelope(sealed), place, ring), place, ring)
            except CannotOpen as error:
                came.failed += 1
                log.error("a stored secret cannot be wrapped anew: %s", error)
                tell(f"{identity}: {error}; it must be entered again")
                continue
            sealed.kek, sealed.wrapped, sealed.body = envelope.kek, envelope.wrapped, envelope.body
            sealed.save(update_fields=["kek", "wrapped", "body"])
            came.done += 1
    return came


def left() -> int:
    """How many secrets are wrapped by another than the active master key. Raises: MissingCredential."""
    return sum(1 for _ in _on_others(keyring()))


def _on_others(ring: Keyring) -> Iterator[str]:
    yield from SealedSecret.objects.exclude(kek=ring.active).order_by("pk").values_list("pk", flat=True)


def _sealed(secret: Secret, organization: str) -> SealedSecret:
    origin, identity = check_origin(settings.UPSTREAM_URL), new_id()
    envelope = seal(secret.reveal().encode(), Place(organization, identity, FIELD, origin), keyring())
    return SealedSecret.objects.create(
        id=identity,
        organization=organization,
        field=FIELD,
        origin=origin,
        kek=envelope.kek,
        wrapped=envelope.wrapped,
        body=envelope.body,
        made_at=clock.now(),
    )


def _read(row: Credential) -> Secret:
    sealed = row.sealed
    assert sealed is not None
    origin = check_origin(settings.UPSTREAM_URL)
    # The organization is the one the row reads: a body that was moved beneath another credential does not open.
    place = Place(row.organization, sealed.pk, FIELD, origin)
    try:
        value = unseal(_envelope(sealed), place, keyring())
    except CannotOpen as error:
        why = str(error)
        if sealed.origin != origin:
            why = f"it was entered for {sealed.origin}, and the upstream is {origin}"
        named = f"the credential {row.label!r}" if row.label else "the credential"
        log.error("%s cannot be decrypted: %s", named, why)
        raise MissingCredential(
            f"{named} cannot be decrypted: {why}. It must be entered again",
            f"Run manage.py credential rotate{f' --label {row.label}' if row.label else ''}.",
        ) from None
    return Secret(value.decode(), is_bearer=row.kind == BEARER)


def _wipe(sealed: SealedSecret) -> None:
    if connection.vendor == "sqlite":
        # What is deleted is overwritten in the file.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
    sealed.delete()


def _place(sealed: SealedSecret, origin: str) -> Place:
    return Place(sealed.organization, sealed.pk, sealed.field, origin)


def _envelope(sealed: SealedSecret) -> Envelope:
    return Envelope(sealed.kek, bytes(sealed.wrapped), bytes(sealed.body))
