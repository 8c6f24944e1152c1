"""Exceptions on their way out: each becomes a problem with a sentence that says what to do."""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response
from django.utils.translation import gettext as _
from rest_framework import exceptions

from costwatch.api.problems import Errors, database_is_away, failed_here, nothing_here, problem, sentence
from costwatch.insights.query import BadQuestion
from pricing.table import PriceTableError

RETRY_AFTER_SECONDS = 30
log = logging.getLogger(__name__)


class Refused(exceptions.APIException):
    """A request that cannot be answered as asked; `errors` names what is wrong with which parameter."""

    status_code = 400

    def __init__(self, detail: str, errors: Errors = ()) -> None:
        super().__init__(detail)
        self.errors = errors


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Answer an exception of a route with a problem; what nobody foresaw is logged and answered with 500."""
    request: HttpRequest = context["request"]._request
    if isinstance(error, exceptions.APIException):
        return _refused(request, error, context["view"].allowed_methods)
    if isinstance(error, Http404):
        return problem(request, 404, nothing_here())
    if isinstance(error, PermissionDenied):
        return problem(request, 403, _("You may not do this. Ask an administrator."))
    if isinstance(error, BadQuestion):
        return problem(request, 400, sentence(str(error)))
    if isinstance(error, RequestDataTooBig):
        return problem(request, 413, _("The body is too large. Send fewer items at a time."))
    if isinstance(error, SuspiciousOperation | BadRequest | MultiPartParserError):
        return problem(request, 400, sentence(str(error) or _("The request cannot be read.")))
    if isinstance(error, OperationalError | InterfaceError | PriceTableError | ImproperlyConfigured):
        return _unavailable(request, error)
    got_request_exception.send(sender=None, request=request)
    made = problem(request, 500, failed_here())
    log_response("%s: %s", made.reason_phrase, request.path, response=made, request=request, exception=error)
    return made


def _refused(request: HttpRequest, error: exceptions.APIException, methods: Sequence[str]) -> HttpResponse:
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        detail = _("You are not signed in. Sign in at /sign-in/ and send the session's cookie.")
    elif isinstance(error, exceptions.MethodNotAllowed):
        words = {"method": request.method, "allowed": ", ".join(methods)}
        detail = _("This address does not answer %(method)s. Use %(allowed)s.") % words
    elif isinstance(error, exceptions.UnsupportedMediaType):
        detail = _("The body is not in a format we read. Send JSON with Content-Type: application/json.")
    elif isinstance(error, exceptions.NotAcceptable):
        detail = _("None of the formats asked for is offered here. Ask with Accept: application/json.")
    else:
        detail = sentence(str(error.detail))
    made = problem(request, error.status_code, detail, getattr(error, "errors", ()))
    if getattr(error, "auth_header", None):
        made.headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        made.headers["Retry-After"] = str(int(error.wait))
    return made


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """The database or the price table cannot answer now."""
    log.warning("%s cannot be answered: %s", request.path, error)
    if isinstance(error, OperationalError) and is_cut_off(error):
        detail = _("The question took too long and was stopped. Ask for fewer days, fewer dimensions or one workspace.")
    elif isinstance(error, OperationalError | InterfaceError):
        detail = database_is_away()
    else:
        detail = _("The price table cannot be read. Run python -m pricing check on the file of COSTWATCH_PRICES_FILE.")
    made = problem(request, 503, detail)
    made.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return made


def is_cut_off(error: OperationalError) -> bool:
    """Whether the database stopped a query at its deadline."""
    return type(error.__cause__).__name__ == "QueryCanceled" or str(error) == "interrupted"
