"""The parameters of a question to the ledger, and the bounds a question has here."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from costwatch.api import parameters
from costwatch.api.parameters import Parameter
from costwatch.api.refusals import Refused
from costwatch.insights.query import DIMENSIONS, INTERVALS, BadQuestion, Query, question

MOST_ROWS = 5000
MOST_DIMENSIONS = 4
# Amounts of a day are summed into longer intervals here: so many within about two seconds.
MOST_AMOUNTS = 100_000
# Hours are summed from the facts themselves: a month of them within about two seconds.
MOST_DAYS = {"hour": 31, "day": 400, "week": 1100, "month": 1100, "total": 1100}

_TEXT = {"type": "string", "maxLength": parameters.LONGEST_TEXT}
SINCE = Parameter(
    "since",
    "The first UTC day. Default: the first of this month.",
    parameters.day,
    {"type": "string", "format": "date"},
    "2026-11-01",
)
UNTIL = Parameter(
    "until",
    (
        "The day after the last one. Default: tomorrow. At most 31 days after `since` by the hour, 400 by the day, "
        "1,100 by the week, month or total."
    ),
    parameters.day,
    {"type": "string", "format": "date"},
    "2026-11-21",
)
INTERVAL = Parameter(
    "interval",
    "How long the period of a row is.",
    parameters.one_of(*INTERVALS),
    {"type": "string", "enum": list(INTERVALS), "default": "day"},
)
GROUP_BY = Parameter(
    "group_by",
    "One row for every value of these dimensions: up to four, between commas or repeated.",
    parameters.one_of(*DIMENSIONS),
    {
        "type": "array",
        "items": {"type": "string", "enum": list(DIMENSIONS)},
        "minItems": 1,
        "maxItems": MOST_DIMENSIONS,
        "uniqueItems": True,
    },
    ["workspace_id"],
    many=True,
    separated=True,
)
AS_OF = Parameter(
    "as_of",
    "Answer as at this time: an RFC 3339 time with a zone.",
    parameters.moment,
    {"type": "string", "format": "date-time"},
    "2026-11-19T14:05:00Z",
)
FILTERS = tuple(
    Parameter(
        name,
        "Only what has this value; repeat it for several. An empty value is what was not reported.",
        parameters.text,
        {"type": "array", "items": _TEXT, "uniqueItems": True},
        many=True,
    )
    for name in DIMENSIONS
)
OF_ORGANIZATION = FILTERS[DIMENSIONS.index("organization_id")]
OF_WORKSPACE = FILTERS[DIMENSIONS.index("workspace_id")]


def asked(values: Mapping[str, Any]) -> Query:
    """The question that parameters ask.

    Raises: Refused where it is out of bounds or makes no sense.
    """
    group_by = values.get("group_by", [])
    if len(group_by) > MOST_DIMENSIONS:
        raise refused("group_by", _("It names more than %(most)d dimensions. Leave some out.") % {"most": 4})
    try:
        made = question(
            since=values.get("since"),
            until=values.get("until"),
            interval=values.get("interval", "day"),
            group_by=group_by,
            filters=[(one.name, value) for one in FILTERS for value in values.get(one.name, [])],
            as_of=values.get("as_of"),
        )
    except BadQuestion:
        raise refused("until", _("It is not after the day of since. The range ends before it begins.")) from None
    most = MOST_DAYS[made.interval]
    if (made.until - made.since).days > most:
        detail = _("The range is longer than %(most)d days by this interval. Ask for fewer days, or a longer interval.")
        raise refused("until", detail % {"most": most})
    return made


def refused(name: str, detail: str) -> Refused:
    """A refusal because of one parameter."""
    summary = _("Some parameters cannot be used: %(names)s.") % {"names": name}
    return Refused(summary, [{"parameter": name, "detail": detail}])
