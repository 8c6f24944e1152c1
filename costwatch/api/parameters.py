"""Query parameters read strictly: each route names the ones it has, and the schema is made from the same list."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.api.refusals import Refused

Json = dict[str, Any]
MOST_PARAMETERS = 200
LONGEST_TEXT = 2000
FIRST_YEAR, LAST_YEAR = 2000, 2099
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter: how it is read, and what the schema says of it.

    Shape: `read` makes the value of one text or raises ValueError with what to change; with `many` the parameter may be
    repeated; with `separated` one text may also hold several values between commas.
    """

    name: str
    says: str
    read: Callable[[str], Any]
    schema: Json
    example: Any = None
    many: bool = False
    separated: bool = False


def read(request: HttpRequest, known: Sequence[Parameter]) -> dict[str, Any]:
    """The values of a request's parameters.

    Shape: one value by name, a list for a parameter that may be repeated; what was not given is not there.
    Raises: Refused naming every parameter that is unknown or wrong.
    """
    by_name = {one.name: one for one in known}
    values: dict[str, Any] = {}
    errors: list[Json] = []
    for name, text in _pairs(request):
        parameter = by_name.get(name)
        try:
            if parameter is None:
                raise ValueError(_unknown(by_name))
            _take(parameter, text, values)
        except ValueError as error:
            errors.append({"parameter": name[:100], "detail": str(error)})
    if errors:
        detail = _("Some parameters cannot be used: %(names)s.") % {
            "names": ", ".join(dict.fromkeys(str(one["parameter"]) for one in errors))
        }
        raise Refused(detail, errors)
    return values


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        query = request.META.get("QUERY_STRING", "").encode("latin-1").decode()
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeError:
        raise Refused(_("The address is not UTF-8. Write every other character as %XX.")) from None
    except ValueError:
        raise Refused(_("Too many parameters: at most %(most)d.") % {"most": MOST_PARAMETERS}) from None


def _take(parameter: Parameter, text: str, values: dict[str, Any]) -> None:
    if not parameter.many:
        if parameter.name in values:
            raise ValueError(_("It is given twice. Give it once."))
        values[parameter.name] = parameter.read(text)
        return
    taken = values.setdefault(parameter.name, [])
    for part in text.split(",") if parameter.separated else [text]:
        value = parameter.read(part.strip() if parameter.separated else part)
        if value in taken:
            raise ValueError(_("It names a value twice. Name each value once."))
        taken.append(value)


def _unknown(known: dict[str, Parameter]) -> str:
    if not known:
        return _("There is no such parameter: this address has none.")
    return _("There is no such parameter. Choose from %(names)s.") % {"names": ", ".join(known)}


def day(text: str) -> date:
    """A day as YYYY-MM-DD. Raises: ValueError."""
    try:
        return _within(clock.day(text))
    except ValueError:
        raise ValueError(_("It is not a day between 2000 and 2099. Write it as 2026-11-01.")) from None


def moment(text: str) -> datetime:
    """An RFC 3339 time with a zone. Raises: ValueError."""
    if _MOMENT.fullmatch(text):
        try:
            found = clock.parse(text)
            _within(found.date())
            return found
        except ValueError:
            pass
    raise ValueError(_("It is not a time with a zone between 2000 and 2099. Write it in UTC, as 2026-11-19T14:05:00Z."))


def _within(found: date) -> date:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError
    return found


def text(given: str) -> str:
    """Any text a stored value can be. Raises: ValueError."""
    if "\0" in given or len(given) > LONGEST_TEXT:
        raise ValueError(_("It is longer than any value, or holds a NUL character. Take it as an answer gave it."))
    return given


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader of one of some words."""

    def chosen(given: str) -> str:
        if given not in choices:
            raise ValueError(_("It is not one of %(choices)s.") % {"choices": ", ".join(choices)})
        return given

    return chosen


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of a whole number between two bounds."""

    def bounded(given: str) -> int:
        if not _WHOLE.fullmatch(given) or not least <= int(given) <= most:
            raise ValueError(_("It is not a whole number from %(least)d to %(most)d.") % {"least": least, "most": most})
        return int(given)

    return bounded
