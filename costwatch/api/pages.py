"""Paging by key set: a page begins after the last row of the one before, however much was added in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from costwatch.api import parameters
from costwatch.api.parameters import Parameter
from costwatch.api.questions import refused

USUAL, MOST = 100, 500
LONGEST_CURSOR = 1000
LIMIT = Parameter(
    "limit",
    "How many rows a page has at most.",
    parameters.whole(1, MOST),
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
)
CURSOR = Parameter(
    "cursor",
    "Where to go on: the `next_cursor` of the page before.",
    parameters.text,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_CURSOR},
)
PARAMETERS = (LIMIT, CURSOR)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for: those after a place, at most so many. Place None is the beginning."""

    of: str
    limit: int
    after: Any = None

    def cut(self, rows: Sequence[Any], places: Sequence[Any]) -> tuple[list[Any], str | None]:
        """The rows of this page and the cursor of the next one, from one row more than a page has."""
        shown = list(rows[: self.limit])
        more = len(rows) > self.limit
        return shown, _signer(self.of).sign_object(places[self.limit - 1]) if more else None


def page(of: str, values: Mapping[str, Any]) -> Page:
    """The page that parameters ask for of a list.

    Raises: Refused where the cursor was not made by this list.
    """
    cursor = values.get("cursor")
    if cursor is None:
        return Page(of, values.get("limit", USUAL))
    try:
        return Page(of, values.get("limit", USUAL), _signer(of).unsign_object(cursor))
    except signing.BadSignature:
        raise refused(
            "cursor", _("It was not made by this list. Take next_cursor of an answer, or begin anew.")
        ) from None


def _signer(of: str) -> signing.Signer:
    """A cursor is signed for its list; without a time in it, so that an unchanged page has the same text."""
    return signing.Signer(salt=f"costwatch.api.cursor.{of}")
