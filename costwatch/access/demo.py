"""The sandbox's demo user: signed in by itself, on loopback only, never over real data."""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

DEMO_USER = "demo"


class DemoUserMiddleware:
    """Makes every visitor of the sandbox the demo user; refuses a host name or a peer that is not loopback."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.SANDBOX or settings.PRODUCTION:
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.get_host().rsplit(":", 1)[0] if not request.get_host().endswith("]") else request.get_host()
        if host in settings.LOOPBACK_HOSTS and _is_loopback(request.META.get("REMOTE_ADDR", "")):
            if not request.user.is_authenticated and request.session.get("signed_out") is None:
                user, _ = get_user_model().objects.get_or_create(username=DEMO_USER, defaults={"is_active": True})
                request.user = user
        return self._get_response(request)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
