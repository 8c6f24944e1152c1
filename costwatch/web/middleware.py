"""What every page has in common: never kept by a shared cache, and a clear answer to a question that makes no sense."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from costwatch.insights.query import BadQuestion

# What every browser and proxy in use passes on.
LONGEST_ADDRESS = 8000


class NoStoreMiddleware:
    """Marks every page `no-store` unless its view decided otherwise; answers a bad question with 400 and the reason.

    An address longer than any page makes is refused before anything reads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.path) + len(request.META.get("QUERY_STRING", "")) > LONGEST_ADDRESS:
            reason = _("The address is too long.")
            response = render(request, "bad_question.html", {"reason": reason}, status=400)
        else:
            response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A question that cannot be answered as asked is the visitor's to change."""
        if not isinstance(exception, BadQuestion):
            return None
        return render(request, "bad_question.html", {"reason": str(exception)}, status=400)
