"""The body of observations, read strictly: every place that is wrong is named, and then nothing is recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from costwatch.api import parameters
from costwatch.api.refusals import Refused
from costwatch.api.shapes import (
    FIRST_STATUS,
    LAST_STATUS,
    LONGEST_ID,
    LONGEST_MODEL,
    MOST_HEADERS,
    MOST_OBSERVATIONS,
    OBSERVATION,
)
from costwatch.directory.models import DEFAULT_WORKSPACE, Organization, Workspace
from costwatch.ledger.dimensions import clean
from costwatch.ledger.observations import KEPT, Response
from costwatch.upstream import limit_headers

AHEAD = timedelta(minutes=15)
MOST_ERRORS = 50
# A caller that mistakes a key for its id must not have it kept.
SECRET = "sk-ant-"  # noqa: S105
Place = str


@dataclass(frozen=True, slots=True)
class Known:
    """The organizations that are read. Shape: their numbers, and the real id of the default workspace, by their id."""

    numbers: Mapping[str, int]
    defaults: Mapping[int, str]


def read(body: bytes, now: datetime) -> list[Response]:
    """The responses that a body tells of.

    Raises: Refused where the body is neither an object nor a list of at most 500, or naming every place that is wrong.
    """
    items, is_list = _items(body)
    known = _known() if items else Known({}, {})
    found: list[Response] = []
    errors: list[dict[str, str]] = []
    for index, item in enumerate(items):
        reader = _Reader(f"[{index}]" if is_list else "", known, now, errors)
        if response := reader.response(item):
            found.append(response)
    if errors:
        detail = _("Nothing was recorded. Values that cannot be used: %(count)d.") % {"count": len(errors)}
        raise Refused(detail, errors[:MOST_ERRORS])
    return found


def _items(body: bytes) -> tuple[Sequence[Any], bool]:
    try:
        given = json.loads(body.decode("utf-8-sig"))
    except RecursionError:
        raise Refused(_("The body is nested too deeply. Send one object, or a list of objects.")) from None
    except ValueError:
        raise Refused(_("The body is not JSON in UTF-8. Send one object, or a list of objects.")) from None
    is_list = isinstance(given, list)
    if is_list and len(given) > MOST_OBSERVATIONS:
        raise Refused(_("The list has more than %(most)d items. Send several lists.") % {"most": MOST_OBSERVATIONS})
    return (given if is_list else [given]), is_list


def _known() -> Known:
    rows = Workspace.objects.filter(key=DEFAULT_WORKSPACE).exclude(external_id="")
    defaults = rows.values_list("organization_id", "external_id")
    return Known(dict(Organization.objects.values_list("external_id", "pk")), dict(defaults))


@dataclass(slots=True)
class _Reader:
    """Reads one observation; what is wrong joins `errors` under its place."""

    place: Place
    known: Known
    now: datetime
    errors: list[dict[str, str]]

    def response(self, item: Any) -> Response | None:
        """The response, None where something about it was wrong."""
        before = len(self.errors)
        if not isinstance(item, dict):
            self._wrong("", _("It is not an object. Send status and headers of a response."))
            return None
        for name in (name for name in item if name not in OBSERVATION):
            self._wrong(name, _("There is no such key. Choose from %(names)s.") % {"names": ", ".join(OBSERVATION)})
        at = self._moment(item.get("observed_at"))
        status = self._status(item.get("status"))
        said = self._headers(item.get("headers"), at)
        number = self._organization(self._text(item, "organization_id", LONGEST_ID), said.organization_id)
        workspace = self._text(item, "workspace_id", LONGEST_ID)
        made = Response(
            organization_id=number,
            observed_at=at,
            status=status,
            said=said,
            workspace_key=DEFAULT_WORKSPACE if workspace == self.known.defaults.get(number) else workspace,
            api_key_id=self._text(item, "api_key_id", LONGEST_ID),
            model=self._text(item, "model", LONGEST_MODEL),
            request_id=self._text(item, "request_id", LONGEST_ID),
        )
        return made if len(self.errors) == before else None

    def _moment(self, given: Any) -> datetime:
        if given is None:
            return self.now
        try:
            found = parameters.moment(given if isinstance(given, str) else "")
            if found > self.now + AHEAD:
                raise ValueError(_("It is more than 15 minutes ahead. Check the clock of the machine that tells it."))
            if found < self.now - KEPT:
                raise ValueError(_("It is older than 35 days, and what is older is not kept."))
            # A clock that runs ahead a little tells of now.
            return min(found, self.now)
        except ValueError as error:
            self._wrong("observed_at", str(error))
            return self.now

    def _status(self, given: Any) -> int:
        if isinstance(given, int) and not isinstance(given, bool) and FIRST_STATUS <= given <= LAST_STATUS:
            return given
        self._wrong("status", _("It is not the HTTP status of a response: a whole number from 100 to 599."))
        return 0

    def _headers(self, given: Any, at: datetime) -> limit_headers.Said:
        if not isinstance(given, dict) or len(given) > MOST_HEADERS:
            words = _("It is not an object of at most %(most)d headers. Send those of the response by their names.")
            self._wrong("headers", words % {"most": MOST_HEADERS})
            return limit_headers.Said({})
        for name in (name for name, value in given.items() if not isinstance(value, str)):
            self._wrong(f"headers.{name}", _("It is not text. Send the value as it stands in the response."))
        said = limit_headers.read({name: value for name, value in given.items() if isinstance(value, str)}, at)
        for name in said.unreadable:
            self._wrong(f"headers.{name}", _("It cannot be read. Send the value as it stands in the response."))
        return said

    def _organization(self, given: str, answered: str) -> int:
        """The number of the organization that was named, or answered; of the only one, where nothing names it."""
        numbers = self.known.numbers
        if given and answered and given != answered:
            words = _("It is not the organization of the response, which its header names.")
        elif found := numbers.get(given or answered):
            return found
        elif given or answered:
            words = _("No organization with this id is read here.")
        elif len(numbers) == 1:
            return next(iter(numbers.values()))
        else:
            words = _("It is missing, and there is not exactly one organization here. Send its id.")
        self._wrong("organization_id", words)
        return 0

    def _text(self, item: Mapping[str, Any], name: str, longest: int) -> str:
        given = item.get(name)
        if given is None:
            return ""
        found = clean(given) if isinstance(given, str) else ""
        if not isinstance(given, str) or len(found) > longest:
            self._wrong(name, _("It is not text of at most %(longest)d characters.") % {"longest": longest})
        elif SECRET in found:
            self._wrong(name, _("It looks like a secret key. Send the id, never the key."))
        else:
            return found
        return ""

    def _wrong(self, name: str, detail: str) -> None:
        place = ".".join(part for part in (self.place, name[:120]) if part)
        self.errors.append({"parameter": place or "body", "detail": detail})
