"""The messages usage report: any grouping, any filter, any width, always the same totals."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from costwatch.upstream.sandbox.buckets import DAY, HOUR, MINUTE, next_page, page_of, text_of
from costwatch.upstream.sandbox.chance import number_of
from costwatch.upstream.sandbox.history import History, Row
from costwatch.upstream.sandbox.query import FAST_MODE_BETA, Query, Tokens, bad
from costwatch.upstream.sandbox.streams import DIMENSIONS, Place, Stream

PATH = "/v1/organizations/usage_report/messages"
WIDTHS = {"1d": (DAY, 7, 31), "1h": (HOUR, 24, 168), "1m": (MINUTE, 60, 1440)}
GROUPS = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
)
TIERS = ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")
# Filter parameter -> dimension and, where the vendor has a closed list, its values.
FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "account_ids[]": ("account_id", ()),
    "api_key_ids[]": ("api_key_id", ()),
    "service_account_ids[]": ("service_account_id", ()),
    "workspace_ids[]": ("workspace_id", ()),
    "models[]": ("model", ()),
    "context_window[]": ("context_window", ("0-200k", "200k-1M")),
    "inference_geos[]": ("inference_geo", ("global", "us", "not_available")),
    "service_tiers[]": ("service_tier", TIERS),
    "speeds[]": ("speed", ("standard", "fast")),
}
SINGLE = ("starting_at", "ending_at", "bucket_width", "limit", "page")
MANY = ("group_by[]", *FILTERS)


class _Creation(msgspec.Struct):
    ephemeral_1h_input_tokens: int
    ephemeral_5m_input_tokens: int


class _Tools(msgspec.Struct):
    web_search_requests: int


class _Line(msgspec.Struct, omit_defaults=False):
    api_key_id: str | None
    workspace_id: str | None
    model: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    account_id: str | None
    service_account_id: str | None
    uncached_input_tokens: int
    cache_creation: _Creation
    cache_read_input_tokens: int
    output_tokens: int
    server_tool_use: _Tools


class _LineWithSpeed(_Line):
    speed: str | None = None


class _Bucket(msgspec.Struct):
    starting_at: str
    ending_at: str
    results: list[_Line]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which dimensions are kept, and which streams pass the filters."""

    kept: tuple[bool, ...]
    filters: tuple[tuple[int, frozenset[str]], ...]

    def place_of(self, stream: Stream) -> Place | None:
        """Where a stream's usage is counted; None if a filter leaves it out. A null never passes a filter."""
        for index, allowed in self.filters:
            if stream.place[index] not in allowed:
                return None
        return tuple(value if kept else None for value, kept in zip(stream.place, self.kept, strict=True))


def sums(
    history: History, grouping: Grouping, rows: Iterable[Row], places: dict[int, Place | None]
) -> dict[Place, list[int]]:
    """Rows added up by place. `places` remembers where each stream belongs."""
    found: dict[Place, list[int]] = {}
    streams = history.streams.all
    for number, counts in rows:
        try:
            place = places[number]
        except KeyError:
            place = places[number] = grouping.place_of(streams[number])
        if place is None:
            continue
        total = found.get(place)
        if total is None:
            found[place] = list(counts)
        else:
            for index, count in enumerate(counts):
                total[index] += count
    return found


def read_grouping(query: Query) -> Grouping:
    """The grouping a request asks for. Raises: Rejection."""
    wanted = query.all("group_by[]")
    if len(wanted) > 5:
        raise bad("Cannot specify more than 5 group_by[] dimensions.")
    has_beta = FAST_MODE_BETA in query.betas
    query.choices("group_by[]", GROUPS if has_beta else tuple(name for name in GROUPS if name != "speed"))
    if query.all("speeds[]") and not has_beta:
        raise bad(f"speeds[]: Filtering by speed requires the anthropic-beta header '{FAST_MODE_BETA}'.")
    filters: list[tuple[int, frozenset[str]]] = []
    for parameter, (dimension, allowed) in FILTERS.items():
        values = query.choices(parameter, allowed) if allowed else query.all(parameter)
        if values:
            filters.append((DIMENSIONS.index(dimension), frozenset(values)))
    return Grouping(tuple(name in wanted for name in DIMENSIONS), tuple(filters))


def answer(history: History, tokens: Tokens, query: Query, now: int, trick: str = "") -> bytes:
    """One page of the report, as JSON; a trick changes it on purpose. Raises: Rejection."""
    width_name = query.choice("bucket_width", tuple(WIDTHS), "1d")
    width, default, maximum = WIDTHS[width_name]
    limit = query.limit(default, maximum)
    grouping = read_grouping(query)
    span = page_of(query, tokens, width=width, limit=limit, now=now)
    shuffle_seed = number_of(repr(sorted(query.values.items())))
    places: dict[int, Place | None] = {}
    # Encoded bucket by bucket: a day of minutes is many rows, and only their text is kept.
    data: list[bytes] = []
    encode = msgspec.json.Encoder().encode
    for start in span.starts:
        found = sums(history, grouping, history.rows(start, start + width, now), places)
        lines = [_line(place, total, trick == "speed_field") for place, total in found.items()]
        random.Random(shuffle_seed ^ start).shuffle(lines)
        data.append(encode(_Bucket(text_of(start), text_of(start + width), lines)))
    has_more, token = next_page(query, tokens, span, trick)
    pieces = [b'{"data":[']
    for bucket in data:
        pieces += (bucket, b",")
    if data:
        pieces.pop()
    pieces += (b'],"has_more":', encode(has_more), b',"next_page":', encode(token), b"}")
    return b"".join(pieces)


def _line(place: Place, total: list[int], with_speed: bool) -> _Line:
    key, workspace, model, tier, window, geo, speed, account, service = place
    creation = _Creation(total[2], total[1])
    tools = _Tools(total[5])
    fields = (key, workspace, model, tier, window, geo, account, service, total[0], creation, total[3], total[4], tools)
    return _LineWithSpeed(*fields, speed=speed) if with_speed else _Line(*fields)
