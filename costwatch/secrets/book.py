"""The book of credentials: since when each is there, when it was last used, and whether it was refused."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from costwatch import clock
from costwatch.secrets.configured import Configured
from costwatch.secrets.models import Credential
from costwatch.upstream.credential import redact

USE_KEPT_EVERY = timedelta(hours=1)
# A key that was refused is tried again after this, or once it is another one.
PAUSE = timedelta(minutes=15)
OLD_AFTER = timedelta(days=90)


def is_new(one: Configured) -> bool:
    """Whether another secret stands under a label than the book knows. Raises: MissingCredential."""
    known = Credential.objects.filter(label=one.label).values_list("fingerprint", flat=True).first()
    return known != one.read().fingerprint


def standing_refusal(one: Configured, now: datetime) -> str:
    """Why this very secret was refused in the last quarter of an hour; empty where it may be tried.

    Raises: MissingCredential.
    """
    row = Credential.objects.filter(label=one.label, refused_at__gt=now - PAUSE).first()
    return row.refusal if row and row.fingerprint == one.read().fingerprint else ""


def used(one: Configured, organization: str) -> bool:
    """Note that a credential works, and whose it is. Shape: whether it replaces another one of that label.

    Raises: MissingCredential.
    """
    now, fingerprint = clock.now(), one.read().fingerprint
    row = Credential.objects.filter(label=one.label).first()
    if row is None:
        _write_down(one, fingerprint, now, organization=organization, last_used_at=now)
        return False
    is_replaced = row.fingerprint != fingerprint
    if is_replaced or row.organization != organization or row.refusal or row.kind != one.kind:
        Credential.objects.filter(pk=row.pk).update(
            organization=organization,
            kind=one.kind,
            fingerprint=fingerprint,
            refusal="",
            refused_at=None,
            last_used_at=now,
            **({"set_at": now, "set_by": ""} if is_replaced else {}),
        )
        return is_replaced
    if row.last_used_at is None or now - row.last_used_at >= USE_KEPT_EVERY:
        Credential.objects.filter(pk=row.pk).update(last_used_at=now)
    return False


def refused(one: Configured, why: str) -> None:
    """Note that the vendor, or we, refused this secret. Raises: MissingCredential."""
    now, fingerprint, said = clock.now(), one.read().fingerprint, redact(why)
    row = Credential.objects.filter(label=one.label).first()
    if row is None:
        _write_down(one, fingerprint, now, refused_at=now, refusal=said)
        return
    changed = {"set_at": now, "set_by": ""} if row.fingerprint != fingerprint else {}
    Credential.objects.filter(pk=row.pk).update(
        refused_at=now, refusal=said, fingerprint=fingerprint, kind=one.kind, **changed
    )


def is_old(row: Credential, now: datetime) -> bool:
    """Whether a credential should be replaced for its age."""
    return now - row.set_at >= OLD_AFTER


def _write_down(one: Configured, fingerprint: str, now: datetime, **more: object) -> None:
    try:
        with transaction.atomic():
            Credential.objects.create(label=one.label, kind=one.kind, fingerprint=fingerprint, set_at=now, **more)
    except IntegrityError:
        # Another worker was a moment earlier.
        return
