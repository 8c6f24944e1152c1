"""Problem details (RFC 9457): every refusal of the API in one shape."""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from django.utils.translation import gettext as _

MEDIA_TYPE = "application/problem+json"
PLACE = "/api/"
Errors = Sequence[dict[str, str]]


def problem(request: HttpRequest, status: int, detail: str, errors: Errors = ()) -> HttpResponse:
    """One refusal: what is wrong and what to do; `errors` names the parameters that are wrong."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": escape_uri_path(request.path),
        "errors": list(errors),
    }
    return HttpResponse(json.dumps(body), status=status, content_type=MEDIA_TYPE)


def database_is_away() -> str:
    """What is said while the database does not answer."""
    return _("The database does not answer. Try again in a moment.")


def sentence(text: str) -> str:
    """A message as a sentence: with a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


class ProblemMiddleware:
    """Turns what the framework refuses before a view is reached into a problem, within the API only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        is_page = not response.headers.get("Content-Type", "").startswith(MEDIA_TYPE)
        if not request.path_info.startswith(PLACE) or response.status_code < 400 or not is_page:
            return response
        made = problem(request, response.status_code, _detail(response.status_code))
        made.headers["Cache-Control"] = "no-store"
        if "Retry-After" in response.headers:
            made.headers["Retry-After"] = response.headers["Retry-After"]
        return made


def _detail(status: int) -> str:
    if status == 404:
        return nothing_here()
    if status == 503:
        return database_is_away()
    if status >= 500:
        return failed_here()
    return _(
        "The request cannot be read. Check its host name and its address: an address has at most 8,000 characters."
    )


def nothing_here() -> str:
    """What a 404 says."""
    return _("There is nothing at this address. The operations are listed at /api/v1/docs/.")


def failed_here() -> str:
    """What a 500 says."""
    return _("The request failed on our side. Try again; if it fails again, look into the log.")
