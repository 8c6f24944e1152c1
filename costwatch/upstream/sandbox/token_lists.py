"""The token-cursor lists: opaque tokens, no `has_more`, the end is where `next_page` is null."""

from collections.abc import Sequence

from costwatch.upstream.sandbox.organization import Object
from costwatch.upstream.sandbox.query import Query, Tokens, bad

SINGLE = ("limit", "page")


def page(objects: Sequence[Object], query: Query, tokens: Tokens, limit: int, trick: str = "") -> Object:
    """One page of a list.

    Raises: Rejection for garbage, a token of another question, or one that points behind the end.
    """
    token = query.one("page")
    start = tokens.read(query, token) if token is not None else 0
    if start > len(objects):
        raise bad("page: Invalid page token. Keep all other parameters the same as when it was returned.")
    stop = start + limit
    following = tokens.make(query, stop) if stop < len(objects) else None
    if trick == "repeated_token":
        following = token or tokens.make(query, start)
    if trick == "duplicate_page":
        following = tokens.make(query, start, turn=1)
    return {"data": list(objects[start:stop]), "next_page": following}
