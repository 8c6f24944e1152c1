"""The dimensions of usage and of reported cost, and their digests.

A dimension the vendor did not report is the empty string; NUL, which PostgreSQL's text refuses, becomes its picture.
"""

import hashlib
from typing import NamedTuple


class UsageDims(NamedTuple):
    """What a fact belongs to."""

    api_key_id: str
    workspace_id: str
    model: str
    service_tier: str
    context_window: str = ""
    inference_geo: str = ""
    speed: str = ""


class ReportedDims(NamedTuple):
    """What a line of the cost report belongs to: every field but the amount."""

    workspace_id: str
    currency: str
    cost_type: str = ""
    token_type: str = ""
    model: str = ""
    service_tier: str = ""
    context_window: str = ""
    inference_geo: str = ""
    description: str = ""
    extra: str = ""


Counts = tuple[int, int, int, int, int, int]
NOTHING: Counts = (0, 0, 0, 0, 0, 0)


def clean(text: str | None) -> str:
    """A dimension's text as the database can hold it: a lone surrogate is written out as its escape."""
    if not text:
        return ""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\x00", "\u2400")


def digest(organization_id: int, values: tuple[str, ...]) -> bytes:
    """The 16-byte identity of a combination of dimensions: each length is hashed too, so that none can pose as two."""
    made = hashlib.blake2b(organization_id.to_bytes(8, "big"), digest_size=16)
    for value in values:
        encoded = value.encode("utf-8", "surrogatepass")
        made.update(len(encoded).to_bytes(8, "big"))
        made.update(encoded)
    return made.digest()
