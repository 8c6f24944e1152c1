"""Observations: what applications tell of the responses they got from the vendor. The one route with its own token."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from costwatch import clock
from costwatch.access import bearer
from costwatch.api import observed, parameters, shapes
from costwatch.api.gate import Gate
from costwatch.api.problems import nothing_here
from costwatch.api.quote import Body
from costwatch.api.routes import Route
from costwatch.ledger.observations import record_responses

gate = Gate(1, 2, gettext_lazy("Other observations are being recorded. Send these again."))


class WithoutToken(APIException):
    """A caller that does not show the token."""

    status_code = 401
    auth_header = 'Bearer realm="observations"'


class ByToken(BaseAuthentication):
    """The token of the setting, and no session; where none is configured there is no such address."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, None]:
        """Let whoever shows it in. Raises: NotFound, WithoutToken."""
        if not settings.OBSERVATIONS_TOKEN:
            raise NotFound(nothing_here())
        if not bearer.shows(request._request, settings.OBSERVATIONS_TOKEN):
            raise WithoutToken(_("Observations need the token: send Authorization: Bearer and the token."))
        return AnonymousUser(), None


class RateLimitObservations(Route):
    """Tell what real responses said about rate limits.

    Takes one observation or a list of at most 500, and all of them or none. Of the headers only those about rate limits
    are read: `anthropic-ratelimit-*`, `anthropic-priority-*`, `anthropic-fast-*`, `retry-after`, and
    `anthropic-organization-id` to know the organization; no other is kept or logged. A request counts once: told again
    with the same `request_id` within two days it is only `repeated`. Needs no session, but the token of
    `COSTWATCH_OBSERVATIONS_TOKEN` as `Authorization: Bearer`; without that setting there is no such address.
    """

    operation = "observe_rate_limits"
    tag = "Observations"
    authentication_classes = (ByToken,)
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes = (Body,)
    content = shapes.json_of("Recorded")
    body = shapes.OBSERVATIONS_BODY
    sign_in = ({"observations": []},)
    may_be_off = True

    def post(self, request: Request) -> HttpResponse:
        """Record every observation."""
        parameters.read(request, self.parameters)
        now = clock.now()
        responses = observed.read(request.data or b"", now)
        with gate():
            recorded = record_responses(responses=responses, now=now)
        return answered(recorded=recorded, repeated=len(responses) - recorded)


def answered(**counts: Any) -> HttpResponse:
    """How many observations were new, and how many had been told before."""
    return HttpResponse(JSONRenderer().render(counts), content_type=JSONRenderer.media_type)
