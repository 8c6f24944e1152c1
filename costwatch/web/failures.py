"""What is answered when nothing else could be: 503 while the database is away, 500 for what nobody foresaw."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.log import log_response
from django.views.defaults import server_error

RETRY_AFTER_SECONDS = 30
log = logging.getLogger(__name__)


def failed(request: HttpRequest) -> HttpResponse:
    """The page for an exception that no view or middleware took.

    It is made without the request, so that no context processor asks the database again.
    """
    error = sys.exception()
    if not isinstance(error, OperationalError | InterfaceError):
        return server_error(request)
    response = HttpResponse(loader.render_to_string("unavailable.html"), status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    # One line a request: a traceback says no more, and there is one for every page until the database is back.
    reason = " ".join(str(error).split())
    log_response("%s cannot be answered: %s", request.path, reason, response=response, logger=log, level="warning")
    return response
