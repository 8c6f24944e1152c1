"""Who may come in. Users are Django's; the first administrator comes in by a one-time link."""

from django.db import models


class SignInLink(models.Model):
    """A one-time link for the first administrator: only its digest is stored; dead after use or after an hour."""

    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
