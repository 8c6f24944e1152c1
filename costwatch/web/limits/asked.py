"""What the address of the Limits page says: view, whether all lines are shown, the open line, by what, a minute."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.text import slugify

from costwatch import clock
from costwatch.insights.limits.lines import LineKey
from costwatch.insights.query import BadQuestion
from costwatch.ledger.limit_figures import FAST_LIMITERS, LIMITERS, POOLS
from costwatch.web import address

UNFOLDED = "all"
VIEWS = ("", "tight", "configured")
SEPARATOR = "|"
OLDEST = datetime(2023, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """The state of the page. `travelling` is the part of the address that every link keeps.

    `is_unfolded` says that the lines far from every limit are shown too.
    """

    view: str
    workspace: str
    line: LineKey | None
    limiter: str
    minute: datetime | None
    travelling: str
    is_unfolded: bool = False

    def query(self, **changes: str) -> str:
        """The query string of this state, or of another one."""
        state = {
            "view": self.view,
            "workspace": self.workspace,
            "line": text_of(self.line) if self.line else "",
            "limiter": self.limiter,
            "fold": UNFOLDED if self.is_unfolded else "",
            **changes,
        }
        made = urlencode({name: value for name, value in state.items() if value})
        return "?" + "&".join(part for part in (self.travelling, made) if part)


def text_of(key: LineKey) -> str:
    """A line as the address writes it."""
    return SEPARATOR.join((key.pool, key.workspace_key, key.group_id))


def anchor_of(key: LineKey) -> str:
    """What a line is called within its page."""
    return slugify(text_of(key))


def read(request: HttpRequest) -> Asked:
    """The state that was asked for. Raises: BadQuestion saying what is wrong."""
    at, given = address.read(request), request.GET
    view = given.get("view", "")
    if view not in VIEWS:
        raise BadQuestion("the view is one of: tight, configured")
    limiter = given.get("limiter", "")
    if limiter and limiter not in {**LIMITERS, **FAST_LIMITERS}:
        raise BadQuestion("the limiter is one of: " + ", ".join({**LIMITERS, **FAST_LIMITERS}))
    workspace = given.get("workspace", "")
    if "\0" in workspace:
        raise BadQuestion("there is no workspace with this id")
    fold = given.get("fold", "")
    if fold not in ("", UNFOLDED):
        raise BadQuestion("fold is all, or nothing")
    return Asked(
        view,
        workspace,
        _line(given.get("line", "")),
        limiter,
        _minute(given.get("minute", "")),
        at.travelling().removeprefix("?"),
        bool(fold),
    )


def _line(text: str) -> LineKey | None:
    if not text:
        return None
    pool, dot, rest = text.partition(SEPARATOR)
    workspace, other, group = rest.partition(SEPARATOR)
    if not dot or not other or pool not in POOLS or not group or "\0" in text:
        raise BadQuestion("line is a pool, a workspace and a group, as the links of the page write them")
    return LineKey(group[:200], pool, workspace[:200])


def _minute(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = clock.parse(text)
    except ValueError:
        raise BadQuestion("minute is a time like 2026-11-20T14:05:00Z") from None
    if not OLDEST <= moment <= clock.now() + clock.DAY:
        raise BadQuestion("minute lies ahead, or before there were any limits")
    return moment.replace(second=0, microsecond=0)
