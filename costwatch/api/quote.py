"""Quotes over HTTP: what `python -m pricing quote` answers to a line, for one object or a list of them."""

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from costwatch.api import parameters, shapes
from costwatch.api.refusals import Refused
from costwatch.api.routes import Route
from costwatch.ledger import prices
from pricing.quote import quote_line

MOST = 1000
_BLANK = " \t\r\n"
# Finds where an item ends; what it says is read by the quote itself, so numbers of any size stay as they are written.
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str)


class Body(BaseParser):
    """The body as its bytes: the text of each item is what gets quoted."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The whole body. Raises: RequestDataTooBig."""
        request = (parser_context or {})["request"]
        body: bytes = request._request.body
        return body


class Quote(Route):
    """What usage costs by the price table.

    One object is answered with one object, a list of at most 1,000 with a list in the same order. An item that is no
    quote is answered as `invalid`, the others still run. Nothing is changed or kept.
    """

    operation = "quote"
    tag = "Prices"
    renderer_classes = (JSONRenderer,)
    parser_classes = (Body,)
    content = shapes.QUOTES
    body = shapes.QUOTE_BODY

    def post(self, request: Request) -> HttpResponse:
        """Answer every item."""
        parameters.read(request, self.parameters)
        items, is_list = read(request.data or b"")
        table = prices.configured()
        quotes = [quote_line(table, item.encode()) for item in items]
        text = f"[{', '.join(quotes)}]" if is_list else quotes[0]
        return HttpResponse(text + "\n", content_type="application/json")


def read(body: bytes) -> tuple[list[str], bool]:
    """The text of every item, and whether they came as a list.

    Raises: Refused where the body is neither an object nor a list of at most 1,000.
    """
    try:
        text = body.decode("utf-8-sig").strip(_BLANK)
        is_list = text.startswith("[")
        items = list(_items(text)) if is_list else [text]
        if not is_list and (not text.startswith("{") or _SCANNER.raw_decode(text)[1] != len(text)):
            raise ValueError
    except RecursionError:
        raise Refused(_("The body is nested too deeply. Send one object, or a list of objects.")) from None
    except ValueError:
        raise Refused(_("The body is not JSON in UTF-8. Send one object, or a list of objects.")) from None
    return items, is_list


def _items(text: str) -> Iterator[str]:
    """The text of each item of a list. Raises: ValueError; Refused for too many."""
    place, count = _after_blanks(text, 1), 0
    if text[place : place + 1] == "]" and place + 1 == len(text):
        return
    while True:
        _value, end = _SCANNER.raw_decode(text, place)
        count += 1
        if count > MOST:
            raise Refused(_("The list has more than %(most)d items. Send several lists.") % {"most": MOST})
        yield text[place:end]
        place = _after_blanks(text, end)
        mark = text[place : place + 1]
        if mark == "]" and place + 1 == len(text):
            return
        if mark != ",":
            raise ValueError
        place = _after_blanks(text, place + 1)


def _after_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANK:
        place += 1
    return place
