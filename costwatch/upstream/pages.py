"""The ways the Admin API pages: opaque tokens with buckets of time, ids, and opaque tokens with objects."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from costwatch import clock
from costwatch.upstream.client import AdminClient, Params
from costwatch.upstream.errors import Malformed, TooLarge

PAGE_CAP = 10_000
COMFORTABLE_BYTES = 16 * 2**20
T = TypeVar("T")


class _Bucket(msgspec.Struct):
    starting_at: str
    ending_at: str
    results: list[msgspec.Raw]


class _ReportPage(msgspec.Struct):
    data: list[_Bucket]
    has_more: bool
    next_page: str | None = None


class _ListPage(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool
    last_id: str | None = None


class _TokenPage(msgspec.Struct):
    data: list[msgspec.Raw]
    next_page: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One API time slot: its rows undecoded, and a 16-byte digest of them that does not depend on their order.

    Shape: `rows` are places in the page's own bytes, not copies; they keep those alive.
    """

    start: datetime
    end: datetime
    rows: Sequence[msgspec.Raw]
    digest: bytes

    @property
    def content(self) -> bytes:
        """The rows as one JSON array."""
        return b"[" + b",".join(self.rows) + b"]"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time, [start, end), aligned to buckets."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """Every bucket of a window, oldest first, and the size of the largest page."""

    buckets: tuple[Bucket, ...]
    largest_page: int


def decode(body: bytes, kind: type[T], request_id: str) -> T:
    """Decode an answer.

    Raises: Malformed naming the JSON path of what is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the answer is not what the contract says: {error}", request_id=request_id) from None


def read_report(
    client: AdminClient, path: str, window: Window, params: Params, *, limit: int, beta: str = ""
) -> Report:
    """Every bucket of a report's window, over all its pages. Pages that are too large are asked for again, smaller.

    Raises: Malformed when pages repeat, overlap, leave the window or end without a token; TooLarge when one bucket is.
    """
    fixed = [
        ("starting_at", clock.rfc3339(window.start)),
        ("ending_at", clock.rfc3339(window.end)),
        ("limit", str(limit)),
        *params,
    ]
    buckets: list[Bucket] = []
    largest, token, seen = 0, None, set[str]()
    for _ in range(PAGE_CAP):
        try:
            answer = client.get(path, [*fixed, *([("page", token)] if token else [])], beta=beta)
        except TooLarge:
            if limit == 1:
                raise
            # A page token belongs to its question: a smaller one begins where the last whole page ended.
            rest = Window(buckets[-1].end if buckets else window.start, window.end)
            smaller = read_report(client, path, rest, params, limit=limit // 2, beta=beta)
            return Report((*buckets, *smaller.buckets), max(largest, smaller.largest_page))
        page = decode(answer.body, _ReportPage, answer.request_id)
        largest = max(largest, len(answer.body))
        for index, bucket in enumerate(page.data):
            buckets.append(_bucket(bucket, window, buckets[-1] if buckets else None, index, answer.request_id))
        if not page.has_more:
            return Report(tuple(buckets), largest)
        token = page.next_page
        if not token:
            raise Malformed(
                "$.has_more is true but $.next_page is null: the rest is lost", request_id=answer.request_id
            )
        if token in seen:
            raise Malformed("the same $.next_page came twice: the pages go in a circle", request_id=answer.request_id)
        seen.add(token)
    raise Malformed(f"more than {PAGE_CAP} pages")


def buckets_of(body: bytes) -> Iterator[Bucket]:
    """The buckets of one page as they came, whatever was asked for.

    Raises: Malformed when the page is not what the contract says.
    """
    for raw in decode(body, _ReportPage, "").data:
        yield bucket_of(clock.parse(raw.starting_at), clock.parse(raw.ending_at), raw.results)


def _bucket(raw: _Bucket, window: Window, before: Bucket | None, index: int, request_id: str) -> Bucket:
    path = f"$.data[{index}]"
    try:
        start, end = clock.parse(raw.starting_at), clock.parse(raw.ending_at)
    except ValueError as error:
        raise Malformed(f"{path}: {error}", request_id=request_id) from None
    if end <= start:
        raise Malformed(f"{path} ends at {raw.ending_at}, not after its start {raw.starting_at}", request_id=request_id)
    if start < window.start or end > window.end:
        raise Malformed(f"{path} ({raw.starting_at}) lies outside what was asked for", request_id=request_id)
    if before and start < before.end:
        raise Malformed(f"{path} ({raw.starting_at}) repeats or overlaps the bucket before it", request_id=request_id)
    return bucket_of(start, end, raw.results)


def bucket_of(start: datetime, end: datetime, rows: list[msgspec.Raw]) -> Bucket:
    """A bucket from its rows, with the digest of them."""
    # SHA-256 has instructions of its own in today's processors: twice as fast as BLAKE2 here. The rows are whole JSON
    # values, so that joined by a comma none can pose as two.
    digest = hashlib.sha256(b",".join(sorted(map(bytes, rows)))).digest()[:16]
    return Bucket(start, end, rows, digest)


def read_list(
    client: AdminClient, path: str, kind: type[T], params: Params = ()
) -> Iterator[tuple[T, dict[str, object]]]:
    """Every object of an id-cursor list, with the fields its type has no name for.

    Raises: Malformed when the cursor does not move or an object lacks a required field.
    """
    after, seen = "", set[str]()
    for _ in range(PAGE_CAP):
        answer = client.get(path, [("limit", "1000"), *params, *([("after_id", after)] if after else [])])
        page = decode(answer.body, _ListPage, answer.request_id)
        for index, raw in enumerate(page.data):
            yield _object(bytes(raw), kind, f"$.data[{index}]", answer.request_id)
        if not page.has_more:
            return
        after = page.last_id or ""
        if not after or after in seen:
            raise Malformed("$.has_more is true but $.last_id does not move on", request_id=answer.request_id)
        seen.add(after)
    raise Malformed(f"more than {PAGE_CAP} pages")


def read_tokens(
    client: AdminClient, path: str, kind: type[T], params: Params = (), *, beta: str = ""
) -> Iterator[tuple[T, dict[str, object]]]:
    """Every object of a token-cursor list, with the fields its type has no name for.

    Such a list has no `has_more`: it ends where `next_page` is null. No `limit` is sent unless `params` has one.
    Raises: Malformed when a token comes twice or an object lacks a required field.
    """
    token, seen = "", set[str]()
    for _ in range(PAGE_CAP):
        answer = client.get(path, [*params, *([("page", token)] if token else [])], beta=beta)
        page = decode(answer.body, _TokenPage, answer.request_id)
        for index, raw in enumerate(page.data):
            yield _object(bytes(raw), kind, f"$.data[{index}]", answer.request_id)
        token = page.next_page or ""
        if not token:
            return
        if token in seen:
            raise Malformed("the same $.next_page came twice: the pages go in a circle", request_id=answer.request_id)
        seen.add(token)
    raise Malformed(f"more than {PAGE_CAP} pages")


def _object(raw: bytes, kind: type[T], path: str, request_id: str) -> tuple[T, dict[str, object]]:
    try:
        value = msgspec.json.decode(raw, type=kind)
        fields: dict[str, object] = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{path}: {error}", request_id=request_id) from None
    known = getattr(kind, "__struct_fields__", ())
    return value, {name: content for name, content in fields.items() if name not in known}
