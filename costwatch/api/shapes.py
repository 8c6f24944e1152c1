"""What a route says of its body and answer: which shapes they have, in the words of JSON Schema."""

from typing import Any

from costwatch.ingest.plan import Why
from costwatch.ingest.sources import WINDOWED

Json = dict[str, Any]
SOURCES = tuple(WINDOWED)
WHYS = tuple(Why)
STATES = ("missing", "inconsistent", "open", "revised", "settled")
KEY_STATUSES = ("active", "inactive", "archived", "expired")
MOST_QUOTES = 1000

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
DAY: Json = {"type": "string", "format": "date"}
TIME: Json = {"type": "string", "format": "date-time"}
FLAG: Json = {"type": "boolean"}


def ref(name: str) -> Json:
    """A reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(name: str) -> Json:
    """The content of an answer in JSON."""
    return {"application/json": {"schema": ref(name)}}


def report_of(name: str) -> Json:
    """The content of a report: JSON, or its rows as CSV."""
    csv = {"schema": TEXT, "example": "period,partial,...\n"}
    return {**json_of(f"{name.title()}Report"), "text/csv": csv}


def listed(name: str) -> Json:
    """The content of a page of a list."""
    return json_of(f"{name}Page")


def optional(schema: Json) -> Json:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def among(*words: str) -> Json:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


def array(of: Json, **bounds: int) -> Json:
    """A list."""
    return {"type": "array", "items": of, **bounds}


def closed(fields: Json, *, may_lack: tuple[str, ...] = (), **more: Any) -> Json:
    """An object with these keys and no other."""
    required = [name for name in fields if name not in may_lack]
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False, **more}


QUOTE_EXAMPLE: Json = {
    "id": "1",
    "model": "claude-opus-5-5",
    "date": "2026-11-12",
    "tokens": {"uncached_input": 1000, "cache_read": 40000, "output": 500},
}
_ONE_OR_MORE = "One object, or a list of at most 1,000."
QUOTES: Json = {
    "application/json": {
        "schema": {"oneOf": [ref("Quote"), array(ref("Quote"), maxItems=MOST_QUOTES)], "description": _ONE_OR_MORE}
    }
}
QUOTE_BODY: Json = {
    "required": True,
    "description": _ONE_OR_MORE,
    "content": {
        "application/json": {
            "schema": {"oneOf": [ref("QuoteRequest"), array(ref("QuoteRequest"), maxItems=MOST_QUOTES)]},
            "example": QUOTE_EXAMPLE,
        }
    },
}
SCHEMA: Json = {"application/json": {"schema": {"type": "object"}}, "application/yaml": {"schema": {"type": "object"}}}
