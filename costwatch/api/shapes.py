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
MOST_OBSERVATIONS, MOST_HEADERS = 500, 200
LONGEST_ID, LONGEST_MODEL = 100, 200
FIRST_STATUS, LAST_STATUS = 100, 599

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
OBSERVATION_EXAMPLE: Json = {
    "observed_at": "2026-11-20T14:04:31Z",
    "status": 429,
    "model": "claude-opus-5-5",
    "workspace_id": "default",
    "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
    "headers": {
        "anthropic-ratelimit-input-tokens-limit": "2000000",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-20T14:04:43Z",
        "retry-after": "12",
    },
}
_ID: Json = {**optional(TEXT), "maxLength": LONGEST_ID}
OBSERVATION: Json = {
    "status": {
        "type": "integer",
        "minimum": FIRST_STATUS,
        "maximum": LAST_STATUS,
        "description": "The HTTP status of the response. 429 is counted as refused.",
    },
    "headers": {
        "type": "object",
        "additionalProperties": TEXT,
        "maxProperties": MOST_HEADERS,
        "description": "The headers of the response by their names. Only those about rate limits are read.",
    },
    "observed_at": {
        **optional(TIME),
        "description": "When. Default: now. At most 15 minutes ahead of our clock, and 35 days behind.",
    },
    "model": {**optional(TEXT), "maxLength": LONGEST_MODEL, "description": "The model that was asked for."},
    "workspace_id": {**_ID, "description": "The workspace; `default` or its id for the default workspace."},
    "api_key_id": {**_ID, "description": "The id of the API key, as `/keys` lists it. Never the key itself."},
    "organization_id": {
        **_ID,
        "description": "Default: what the header `anthropic-organization-id` says, else the only one there is.",
    },
    "request_id": {**_ID, "description": "The response's `request-id`: with it a request counts once."},
}
OBSERVATIONS_BODY: Json = {
    "required": True,
    "description": "One object, or a list of at most 500.",
    "content": {
        "application/json": {
            "schema": {"oneOf": [ref("Observation"), array(ref("Observation"), maxItems=MOST_OBSERVATIONS)]},
            "example": OBSERVATION_EXAMPLE,
        }
    },
}
SCHEMA: Json = {"application/json": {"schema": {"type": "object"}}, "application/yaml": {"schema": {"type": "object"}}}
