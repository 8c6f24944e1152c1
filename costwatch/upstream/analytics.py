"""Reading the usage and cost analytics: flat rows by key, actor, workspace, model and tier, put into UTC days.

Source: types of the official Python SDK 2.10.0 (October 2026). At most five dimensions may be grouped, besides cost
and token type; so the base chain is read unfiltered, and a second one with a filter tells what of it was fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from costwatch import clock
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Malformed, Refused
from costwatch.upstream.flat import read_flat
from costwatch.upstream.pages import Report, Window, bucket_of, decode

BETA = "analytics-usage-cost-2026-08-24"
GROUP_BY = ("api_key_id", "actor", "workspace_id", "model", "service_tier")
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
REACH = 365 * clock.DAY
MOST_DAYS = 31
ROW_LIMIT = 1000
RESTARTS = 3
EXPIRED = 410


@dataclass(frozen=True, slots=True)
class Chain:
    """One fixed question to one of the two reports: a grouping with a filter."""

    name: str
    path: str
    group_by: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()


_FAST = (("speeds[]", "fast"),)
_USAGE, _COST = "/v1/organizations/analytics/usage", "/v1/organizations/analytics/cost"
_COST_GROUP_BY = (*GROUP_BY, "cost_type", "token_type")
USAGE = Chain("base", _USAGE, GROUP_BY)
FAST_USAGE = Chain("fast", _USAGE, GROUP_BY, _FAST)
COST = Chain("base", _COST, _COST_GROUP_BY)
FAST_COST = Chain("fast", _COST, _COST_GROUP_BY, _FAST)


class _Span(msgspec.Struct):
    starting_at: str
    ending_at: str


def earliest(now: datetime) -> datetime:
    """The first day that can be asked for: within the last 365 days, and none before 2026."""
    return max(FIRST_DAY, clock.floor_day(now - REACH) + clock.DAY)


def read(client: AdminClient, window: Window, chain: Chain, *, limit: int = ROW_LIMIT) -> Report:
    """Every row of one chain in a window of at most 31 days, as one bucket a UTC day, empty ones included.

    A cursor can die when the data is refreshed: then everything is read again from page 1, three times at most.
    Raises: UpstreamError; Malformed when a row repeats, lies outside of the window or the pages end without a token.
    """
    for _ in range(RESTARTS):
        try:
            return _read(client, window, chain, limit)
        except Refused as error:
            if error.status != EXPIRED:
                raise
    return _read(client, window, chain, limit)


def _read(client: AdminClient, window: Window, chain: Chain, limit: int) -> Report:
    fixed = [
        ("starting_at", clock.rfc3339(window.start)),
        ("ending_at", clock.rfc3339(window.end)),
        ("time_bucket_width", "1d"),
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", str(limit)),
        *(("group_by[]", name) for name in chain.group_by),
        *chain.filters,
    ]
    flat = read_flat(client, chain.path, fixed, beta=BETA)
    count = (window.end - window.start) // clock.DAY
    days: dict[datetime, list[msgspec.Raw]] = {window.start + clock.DAY * place: [] for place in range(count)}
    for index, raw in enumerate(flat.rows):
        days[_day(raw, days, f"$.data[{index}]", flat.request_id)].append(raw)
    for start, rows in days.items():
        # A combination of dimensions has one row: the same twice says that pages overlap.
        if len(set(map(bytes, rows))) < len(rows):
            raise Malformed(f"a row of {start:%Y-%m-%d} came twice: pages overlap", request_id=flat.request_id)
    buckets = tuple(bucket_of(start, start + clock.DAY, rows) for start, rows in days.items())
    return Report(buckets, flat.largest_page)


def _day(raw: msgspec.Raw, days: Mapping[datetime, object], path: str, request_id: str) -> datetime:
    span = decode(bytes(raw), _Span, request_id)
    try:
        start, end = clock.parse(span.starting_at), clock.parse(span.ending_at)
    except ValueError as error:
        raise Malformed(f"{path}: {error}", request_id=request_id) from None
    if start not in days or not start < end <= start + clock.DAY:
        raise Malformed(
            f"{path} ({span.starting_at} to {span.ending_at}) is not a UTC day that was asked for",
            request_id=request_id,
        )
    return start
