"""Which buckets a report answers with: aligned, oldest first, empty ones included, never beyond the current one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from costwatch.upstream.sandbox.query import Query, Tokens, bad

MINUTE, HOUR, DAY = 60, 3600, 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets of one page. Units: seconds since 1970; `next_start` is None on the last page."""

    first: int
    starts: Sequence[int]
    next_start: int | None


def seconds(moment: datetime) -> int:
    """A time as whole seconds since 1970."""
    return (moment.astimezone(UTC) - EPOCH) // timedelta(seconds=1)


def moment_of(instant: int) -> datetime:
    """Seconds since 1970 as a time."""
    return EPOCH + timedelta(seconds=instant)


def text_of(moment: int) -> str:
    """Seconds since 1970 as RFC 3339."""
    return moment_of(moment).isoformat().replace("+00:00", "Z")


def page_of(query: Query, tokens: Tokens, *, width: int, limit: int, now: int) -> Span:
    """The buckets a request asks for.

    Raises: Rejection for a missing or reversed range, or a token that is not this question's.
    """
    asked = query.moment("starting_at")
    if asked is None:
        raise bad("starting_at: Field required")
    start = seconds(asked) // width * width
    ending = query.moment("ending_at")
    current = now // width * width
    if ending is not None and ending <= asked:
        raise bad("ending_at: must be after starting_at")
    end = current + width
    if ending is not None and seconds(ending) <= now:
        end = min(end, seconds(ending) // width * width)
    token = query.one("page")
    first = start if token is None else tokens.read(query, token)
    stop = min(end, first + limit * width)
    return Span(first, range(first, stop, width), stop if stop < end else None)


def next_page(query: Query, tokens: Tokens, span: Span, trick: str) -> tuple[bool, str | None]:
    """`has_more` and `next_page` of an answer; a trick makes them lie in one of the ways a client must survive."""
    if trick == "lost_token":
        return True, None
    if trick == "repeated_token":
        return True, query.one("page") or tokens.make(query, span.first)
    if trick == "duplicate_page":
        return True, tokens.make(query, span.first, turn=1)
    if span.next_start is None:
        return False, None
    return True, tokens.make(query, span.next_start)
