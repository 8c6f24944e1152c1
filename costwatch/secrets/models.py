"""What is kept of credentials: facts about each, and in database mode the encrypted secret."""

import uuid

from django.db import models


def new_id() -> str:
    """An id that is known before the row is written: the envelope is bound to it."""
    return uuid.uuid4().hex


class SealedSecret(models.Model):
    """One encrypted secret. `origin` is where it may be sent; it is authenticated, and here to be told."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id)
    organization = models.CharField(max_length=200)
    field = models.CharField(max_length=40)
    origin = models.CharField(max_length=300)
    kek = models.CharField(max_length=40)
    wrapped = models.BinaryField()
    body = models.BinaryField()
    made_at = models.DateTimeField()


class Credential(models.Model):
    """What is known of a credential, wherever its secret is: never the secret, and no more of it than a fingerprint.

    `set_at` is when it was entered, or first seen in its file; `organization` the vendor's id of whom it reads.
    """

    label = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=12)
    fingerprint = models.CharField(max_length=16)
    organization = models.CharField(max_length=200, default="")
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=80, default="")
    # Kept once an hour at most.
    last_used_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    refusal = models.TextField(default="")
    sealed = models.ForeignKey(SealedSecret, on_delete=models.PROTECT, null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.label or self.fingerprint}"
