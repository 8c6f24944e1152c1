"""Reports that answer with one flat list of rows, over as many pages as it takes."""

import hashlib
from dataclasses import dataclass

import msgspec

from costwatch.upstream.client import AdminClient, Params
from costwatch.upstream.errors import Malformed
from costwatch.upstream.pages import PAGE_CAP, decode


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool
    next_page: str | None = None


@dataclass(frozen=True, slots=True)
class Flat:
    """Every row of an answer, undecoded, the size of its largest page, and the last request to quote."""

    rows: list[msgspec.Raw]
    largest_page: int
    request_id: str


def read_flat(client: AdminClient, path: str, params: Params, *, beta: str = "") -> Flat:
    """Every row over all pages.

    Raises: Malformed when pages repeat, go in a circle or end without a token.
    """
    rows: list[msgspec.Raw] = []
    largest, token = 0, ""
    tokens, pages = set[str](), set[bytes]()
    for _ in range(PAGE_CAP):
        answer = client.get(path, [*params, *([("page", token)] if token else [])], beta=beta)
        page = decode(answer.body, _Page, answer.request_id)
        largest = max(largest, len(answer.body))
        content = hashlib.sha256(b",".join(map(bytes, page.data))).digest()
        if page.data and content in pages:
            raise Malformed("the same page came twice", request_id=answer.request_id)
        pages.add(content)
        rows += page.data
        if not page.has_more:
            return Flat(rows, largest, answer.request_id)
        token = page.next_page or ""
        if not token:
            raise Malformed(
                "$.has_more is true but $.next_page is null: the rest is lost", request_id=answer.request_id
            )
        if token in tokens:
            raise Malformed("the same $.next_page came twice: the pages go in a circle", request_id=answer.request_id)
        tokens.add(token)
    raise Malformed(f"more than {PAGE_CAP} pages")
