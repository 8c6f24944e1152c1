"""The messages usage report: the chains we ask for and the rows they give.

Source: reference pages of usage_report/messages (September 2026). At most five dimensions may be grouped, and a row
never says its speed; so the base chain is read unfiltered and splitter chains divide it by a filter.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from costwatch.upstream.client import FAST_MODE_BETA, AdminClient
from costwatch.upstream.errors import TooLarge
from costwatch.upstream.pages import Bucket, Report, Window, read_report
from costwatch.upstream.slices import Filters, sliced

PATH = "/v1/organizations/usage_report/messages"
GROUP_BY = ("api_key_id", "workspace_id", "model", "service_tier", "inference_geo")
BUCKET_LIMITS = {"1m": 1440, "1h": 168, "1d": 31}
LONG_WINDOW = "200k-1M"
SHORT_WINDOW = "0-200k"
KNOWN_VALUES: dict[str, frozenset[str | None]] = {
    "service_tier": frozenset({None, "standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"}),
    "inference_geo": frozenset({None, "global", "us", "not_available"}),
    "context_window": frozenset({SHORT_WINDOW, LONG_WINDOW}),
    "speed": frozenset({"standard", "fast"}),
}

Key = tuple[str | None, str | None, str | None, str | None, str | None]
Counts = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Chain:
    """One fixed question to the report: a grouping with a filter."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()
    beta: str = ""
    group_by: tuple[str, ...] = GROUP_BY


BASE = Chain("base")
FAST = Chain("fast", (("speeds[]", "fast"),), FAST_MODE_BETA)
LONG = Chain("long", (("context_window[]", LONG_WINDOW),))
FAST_LONG = Chain("fast_long", (("speeds[]", "fast"), ("context_window[]", LONG_WINDOW)), FAST_MODE_BETA)
# Not grouped at all: what a bucket comes to, to compare with.
TOTAL = Chain("total", group_by=())
MINUTE_GROUP_BY = ("api_key_id", "workspace_id", "model", "service_tier")
MINUTES = Chain("minutes", group_by=MINUTE_GROUP_BY)
FAST_MINUTES = Chain("fast_minutes", (("speeds[]", "fast"),), FAST_MODE_BETA, MINUTE_GROUP_BY)

# More in one row of an hour than any organization uses. What is beyond is set aside as a mistake: it would take sums
# over whole months out of the range of a database's integers.
MOST_IN_A_ROW = 10**15
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_IN_A_ROW)]


# Fields stand in the order of the vendor's newest reference page: the decoder expects them in the order of the struct.
class _CacheCreation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ephemeral_1h_input_tokens: Count
    ephemeral_5m_input_tokens: Count


class _ServerToolUse(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    web_search_requests: Count


class _Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    account_id: str | None = None
    api_key_id: str | None = None
    cache_creation: _CacheCreation
    cache_read_input_tokens: Count
    context_window: str | None = None
    inference_geo: str | None = None
    model: str | None = None
    output_tokens: Count
    server_tool_use: _ServerToolUse
    service_account_id: str | None = None
    service_tier: str | None = None
    speed: str | None = None
    uncached_input_tokens: Count
    workspace_id: str | None = None


_decode = msgspec.json.Decoder(_Row).decode
_decode_all = msgspec.json.Decoder(list[_Row]).decode


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be recorded, as it came, and why."""

    reason: str
    raw: str


@dataclass(slots=True)
class Parsed:
    """A bucket's rows by dimension, what could not be recorded, and what this version had not met before.

    Shape: `rows` maps (api key, workspace, model, tier, geo) to the six counts in the order of the meters;
    `novelties` counts (path, value).
    """

    rows: dict[Key, Counts] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)


def read(client: AdminClient, window: Window, chain: Chain, *, width: str = "1h", limit: int = 0) -> Report:
    """Every bucket of one chain in a window; where a single bucket is too large, in slices.

    Raises: UpstreamError.
    """

    def ask(group_by: Sequence[str], filters: Filters) -> Report:
        params = [("bucket_width", width), *(("group_by[]", name) for name in group_by), *chain.filters, *filters]
        return read_report(client, PATH, window, params, limit=limit or BUCKET_LIMITS[width], beta=chain.beta)

    try:
        return ask(chain.group_by, ())
    except TooLarge:
        return sliced(ask, chain.group_by)


def parse(bucket: Bucket) -> Parsed:
    """Decode a bucket's rows; rows with the same dimensions are added up and reported as a novelty."""
    parsed = Parsed()
    try:
        # All at once; a row at a time only where one of them is not as expected.
        rows = _decode_all(bucket.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        rows = [row for raw in bucket.rows if (row := _parse_one(bytes(raw), parsed)) is not None]
    counted, tiers, geos = parsed.rows, KNOWN_VALUES["service_tier"], KNOWN_VALUES["inference_geo"]
    for row in rows:
        key = (row.api_key_id, row.workspace_id, row.model, row.service_tier, row.inference_geo)
        created = row.cache_creation
        counts = (
            row.uncached_input_tokens,
            created.ephemeral_5m_input_tokens,
            created.ephemeral_1h_input_tokens,
            row.cache_read_input_tokens,
            row.output_tokens,
            row.server_tool_use.web_search_requests,
        )
        if row.service_tier not in tiers:
            parsed.novelties["service_tier", str(row.service_tier)[:200]] += 1
        if row.inference_geo not in geos:
            parsed.novelties["inference_geo", str(row.inference_geo)[:200]] += 1
        before = counted.setdefault(key, counts)
        if before is not counts:
            parsed.novelties["(the same dimensions twice in one bucket)", ""] += 1
            counted[key] = tuple(a + b for a, b in zip(before, counts, strict=True))  # type: ignore[assignment]
    return parsed


def total(bucket: Bucket) -> Counts | None:
    """What an ungrouped bucket comes to; None where it cannot be read."""
    parsed = parse(bucket)
    return None if parsed.rejected else added(parsed.rows.values())


def added(rows: Iterable[Counts]) -> Counts:
    """The sum of some counts."""
    return tuple(map(sum, zip((0,) * 6, *rows, strict=True)))  # type: ignore[return-value]


def _parse_one(raw: bytes, parsed: Parsed) -> _Row | None:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_leniently(raw, parsed)


def _parse_leniently(raw: bytes, parsed: Parsed) -> _Row | None:
    """Take a row with fields we do not know: record them, keep the rest. None when it cannot be recorded."""
    try:
        fields = msgspec.json.decode(raw)
        if not isinstance(fields, dict):
            raise msgspec.ValidationError(f"Expected `object`, got `{type(fields).__name__}`")
        return msgspec.convert(_without_unknown(fields, parsed), _Row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parsed.rejected.append(Rejected(str(error), raw.decode("utf-8", "backslashreplace")[:10_000]))
        return None


def _without_unknown(fields: dict[str, object], parsed: Parsed) -> dict[str, object]:
    kept: dict[str, object] = {}
    nested = {"cache_creation": _CacheCreation, "server_tool_use": _ServerToolUse}
    for name, value in fields.items():
        kind = nested.get(name)
        if kind and isinstance(value, dict):
            for inner in value.keys() - set(kind.__struct_fields__):
                parsed.novelties[f"{name}.{inner}"[:200], ""] += 1
            kept[name] = {inner: value[inner] for inner in kind.__struct_fields__ if inner in value}
        elif name in _Row.__struct_fields__:
            kept[name] = value
        else:
            parsed.novelties[name[:200], ""] += 1
    return kept
