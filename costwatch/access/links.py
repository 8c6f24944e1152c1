"""One-time links for the first administrator: no default password, ever."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from costwatch.access.models import SignInLink

LASTS = timedelta(hours=1)


def make() -> str:
    """A fresh link; links made before it stop working. Times are the machine's: a frozen business time is no clock."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        SignInLink.objects.filter(used_at=None).delete()
        SignInLink.objects.create(digest=_digest(token), created_at=now, expires_at=now + LASTS)
    return str(settings.PUBLIC_URL) + reverse("sign_in_link", args=[token])


def is_alive(token: str) -> bool:
    """Whether a link may still be used."""
    return SignInLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=timezone.now()).exists()


def use(*, token: str, username: str, password: str) -> User | None:
    """Use a link once: make the administrator, or give one that exists a new password. None when the link is dead."""
    now = timezone.now()
    users = get_user_model().objects
    with transaction.atomic():
        if not SignInLink.objects.filter(digest=_digest(token), used_at=None, expires_at__gt=now).update(used_at=now):
            return None
        user, _ = users.get_or_create(username=username, defaults={"is_superuser": True, "is_staff": True})
        user.set_password(password)
        user.is_superuser = user.is_staff = user.is_active = True
        user.save()
    return user


def is_first_start() -> bool:
    """Whether nobody can sign in yet."""
    return not get_user_model().objects.filter(is_superuser=True, is_active=True).exists()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
