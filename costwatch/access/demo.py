"""The sandbox's demo user: signed in by itself, on loopback only, never over real data."""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

DEMO_USER = "demo"
# Asked by machines, also while there is no database to look a user up in.
PROBES = ("/healthz", "/readyz", "/metrics")
SIGNED_OUT = "signed_out"


class DemoUserMiddleware:
    """Makes every visitor of the sandbox the demo user; refuses a host name or a peer that is not loopback."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.SANDBOX or settings.PRODUCTION:
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PROBES:
            return self._get_response(request)
        if serves(request) and not request.user.is_authenticated and SIGNED_OUT not in request.session:
            # Not a sign-in: no session is made, so nothing outlives the request or reaches another host.
            request.user, _ = get_user_model().objects.get_or_create(username=DEMO_USER, defaults={"is_active": True})
        return self._get_response(request)


def serves(request: HttpRequest) -> bool:
    """Whether a visitor may be the demo user: sandbox, a loopback host name, and a loopback peer."""
    if not settings.SANDBOX or settings.PRODUCTION:
        return False
    host, _port = split_domain_port(request.get_host())
    return host in settings.LOOPBACK_HOSTS and _is_near(request.META.get("REMOTE_ADDR", ""))


def _is_near(address: str) -> bool:
    """Whether a peer is this machine. In a container that is the engine's bridge, which has a private address."""
    try:
        peer = ip_address(address)
        listens_to_others = not ip_address(settings.BIND).is_loopback
    except ValueError:
        return False
    return peer.is_loopback or (listens_to_others and peer.is_private)
