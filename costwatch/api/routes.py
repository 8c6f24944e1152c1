"""What every route of the API has: sign-in, its parameters, answers with an entity tag."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from costwatch.api.parameters import Parameter
from costwatch.api.problems import nothing_here, sentence
from costwatch.api.refusals import Refused
from costwatch.insights.cache import kept

JSON = JSONRenderer.media_type


class BySession(SessionAuthentication):
    """Sign-in by the session of the pages, with the CSRF token on everything unsafe; without it the answer is 401."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="costwatch"'

    def enforce_csrf(self, request: HttpRequest) -> None:
        """Refuse an unsafe request without the session's token. Raises: PermissionDenied."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            advice = _("Send the value of the cookie %(name)s in the header X-CSRFToken; the page /sign-in/ sets it.")
            words = advice % {"name": settings.CSRF_COOKIE_NAME}
            raise PermissionDenied(f"{sentence(str(error.detail))} {words}") from None


class Negotiation(DefaultContentNegotiation):
    """The `Accept` header or `format` decides; a format that is not there is the caller's mistake."""

    def filter_renderers(self, renderers: Sequence[BaseRenderer], format: str) -> list[BaseRenderer]:
        if len(renderers) == 1:
            # No choice, no such parameter: the route refuses it as one it does not have.
            return list(renderers)
        found = [one for one in renderers if one.format == format]
        if not found:
            detail = _("It is not one of %(formats)s.") % {"formats": ", ".join(str(one.format) for one in renderers)}
            refused = _("Some parameters cannot be used: %(names)s.") % {"names": "format"}
            raise Refused(refused, [{"parameter": "format", "detail": detail}])
        return found


class Route(APIView):
    """One address of the API. Denies by default: whoever may read it is signed in."""

    authentication_classes = (BySession,)
    permission_classes: Sequence[Any] = (IsAuthenticated,)
    content_negotiation_class = Negotiation
    http_method_names = ("get", "head", "post")
    parameters: Sequence[Parameter] = ()
    # How the schema names and describes it; a route without an operation is not in the schema.
    operation = ""
    tag = ""
    content: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}
    # What it asks of a caller in place of a session, and whether a setting makes the address disappear.
    sign_in: Sequence[Mapping[str, Any]] = ()
    may_be_off = False


class Nothing(Route):
    """Every address of the API that is not there."""

    def get(self, request: Request, **_kept: Any) -> HttpResponse:
        """Say so. Raises: NotFound."""
        raise NotFound(nothing_here())

    post = get


def answer(request: HttpRequest, make: Callable[[], str | bytes], media_type: str = JSON) -> HttpResponse:
    """An answer that a caller keeps and asks about again: 304 where it has not changed.

    The tag is of the answer's own bytes, so it changes with whatever the answer shows. It is remembered for as long as
    the data has one version: a caller who sends it then costs no second answer.
    """
    made: list[bytes] = []

    def tag() -> str:
        text = make()
        made.append(text.encode() if isinstance(text, str) else text)
        return quote_etag(hashlib.blake2b(made[-1], digest_size=16).hexdigest())

    known = kept.get(("tag", request.path, request.META.get("QUERY_STRING", ""), media_type), tag)
    if {known, "*"} & set(parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))):
        return _described(HttpResponseNotModified(), known)
    # A tag that was remembered may be older than the answer by what is being written just now.
    known = known if made else tag()
    content_type = media_type if media_type == JSON else f"{media_type}; charset=utf-8"
    return _described(HttpResponse(made[-1], content_type=content_type), known)


def _described(response: HttpResponse, tag: str) -> HttpResponse:
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ("Accept", "Cookie"))
    return response
