"""The shapes of answers and bodies, built from what reports, meters and dimensions say themselves."""

from http import HTTPStatus
from typing import Any

from django.conf import settings

from costwatch.api import shapes
from costwatch.api.shapes import (
    COUNT,
    DAY,
    FLAG,
    SOURCES,
    STATES,
    TEXT,
    TIME,
    WHYS,
    among,
    array,
    closed,
    optional,
    ref,
)
from costwatch.insights.limits.report import COLUMNS as LIMITS_COLUMNS
from costwatch.insights.query import DIMENSIONS, INTERVALS
from costwatch.insights.reports import COVERAGE_COLUMNS, MONEY_COLUMNS, UNPRICED_COLUMNS
from pricing.meters import METERS, REGISTRY

Json = dict[str, Any]
REASONS = ("unknown_model", "no_price_for_date", "no_price_for_meter", "no_price_for_tier")
WARNINGS = (
    "after_retirement",
    "fast_not_available",
    "geo_not_supported_by_model",
    "priority_excluded_from_cost_report",
    "threshold_not_visible",
)
USD: Json = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["9.675"]}
PERIOD: Json = {**TEXT, "description": "An hour, a day, the first day of a week, a month as 2026-11, or nothing."}
DIMENSION_FIELDS: Json = {**dict.fromkeys(DIMENSIONS, TEXT), "workspace_name": TEXT, "api_key_name": TEXT}
COUNTS: Json = dict.fromkeys(METERS, COUNT)
MONEY: Json = {name: COUNT if name == "unpriced_tokens" else optional(USD) for name in sorted(MONEY_COLUMNS)}
ROW: Json = {"period": PERIOD, "partial": FLAG}
CHANGED: Json = {
    "period": PERIOD,
    "source": among("usage", "cost"),
    "why": {**among("", *WHYS), "description": "Why it was read when the change was found."},
    "first_seen": TIME,
    "last_seen": TIME,
    "rows": {**COUNT, "description": "How many rows differed."},
}
CHANGES: Json = {
    **dict.fromkeys(("reported_usd", "list_low_usd", "list_high_usd"), optional(USD)),
    **{meter: {"type": "integer"} for meter in METERS},
}


def _report(name: str, row: str, totals: Json, **more: Json) -> Json:
    value = {"anyOf": [TEXT, array(TEXT, minItems=2)]}
    fields = {
        "report": {"const": name},
        "since": DAY,
        "until": {**DAY, "description": "The day after the last one."},
        "interval": among(*INTERVALS),
        "group_by": array(among(*DIMENSIONS)),
        "filters": {"type": "object", "properties": dict.fromkeys(DIMENSIONS, value), "additionalProperties": False},
        "currency": {"const": "USD"},
        "data_through": {**optional(TIME), "description": "How far the data goes within the range; null: nowhere."},
        "complete": {**FLAG, "description": "Whether every bucket of the range is settled."},
        "price_version": TEXT,
        "rows": array(ref(row)),
        "totals": closed(totals),
    }
    return closed(fields | more, may_lack=tuple(more))


def _page(name: str) -> Json:
    cursor = {**optional(TEXT), "description": "The `cursor` of the next page; null on the last one."}
    return closed({"data": array(ref(name), maxItems=500), "next_cursor": cursor})


_GROUPED = tuple(DIMENSION_FIELDS)
_SEEN: Json = {"last_seen_at": TIME, "gone_at": optional(TIME)}
_TOKENS = {meter.quote_key: COUNT for meter in REGISTRY if meter.is_token}
_WORD: Json = optional(TEXT)
SCHEMAS: Json = {
    "Problem": closed(
        {
            "type": {**TEXT, "format": "uri-reference"},
            "title": TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {**TEXT, "description": "What is wrong and what to do."},
            "instance": {**TEXT, "format": "uri-reference"},
            "errors": array(closed({"parameter": TEXT, "detail": TEXT})),
        },
        description="A refusal, as RFC 9457 describes them.",
    ),
    "SpendRow": closed(ROW | DIMENSION_FIELDS | MONEY | COUNTS, may_lack=_GROUPED),
    "UsageRow": closed(ROW | DIMENSION_FIELDS | COUNTS, may_lack=_GROUPED),
    "UnpricedRow": closed(
        dict.fromkeys(UNPRICED_COLUMNS, TEXT)
        | ROW
        | {"meter": among(*METERS), "reason": among(*REASONS), "quantity": COUNT}
    ),
    "CoverageRow": closed(
        dict.fromkeys(COVERAGE_COLUMNS, TEXT)
        | {
            "source": among(*SOURCES),
            "since": TIME,
            "until": TIME,
            "state": among(*STATES),
            "control_total_ok": optional(FLAG),
            "last_success": optional(TIME),
            "last_error": optional(TEXT),
        }
    ),
    "SpendReport": _report(
        "spend", "SpendRow", MONEY | COUNTS, other_currencies={"type": "object", "additionalProperties": USD}
    ),
    "UsageReport": _report("usage", "UsageRow", COUNTS),
    "UnpricedReport": _report("unpriced", "UnpricedRow", {"quantity": COUNT}),
    "CoverageReport": _report("coverage", "CoverageRow", {}),
    "LimitsRow": closed(
        dict.fromkeys(LIMITS_COLUMNS, optional(COUNT))
        | ROW
        | dict.fromkeys(("organization_id", "group", "group_id", "limiter"), TEXT)
        | dict.fromkeys(("workspace_id", "workspace_name"), optional(TEXT))
        | {"source": among("organization", "workspace", "assumed"), "peak_at": optional(TIME)}
    ),
    "LimitsReport": _report("limits", "LimitsRow", {}),
    "ChangesRow": closed(CHANGED | CHANGES),
    "ChangesReport": _report("changes", "ChangesRow", {"rows": COUNT} | CHANGES),
    "CoverageRowPage": _page("CoverageRow"),
    "Organization": closed({"id": TEXT, "name": TEXT, "created_at": TIME, "history_since": optional(DAY)}),
    "OrganizationPage": _page("Organization"),
    "Workspace": closed(
        {
            "id": {**TEXT, "description": "As reports name it: `default` for the default workspace."},
            "external_id": {**TEXT, "description": "As Anthropic names it."},
            "organization_id": TEXT,
            "name": TEXT,
            "status": among("active", "archived", "gone"),
            "created_at": optional(TIME),
            "archived_at": optional(TIME),
            "display_color": TEXT,
            "data_residency": {"type": "object"},
            "tags": {"type": "object"},
            **_SEEN,
        }
    ),
    "WorkspacePage": _page("Workspace"),
    "ApiKey": closed(
        {
            "id": TEXT,
            "organization_id": TEXT,
            "workspace_id": {**optional(TEXT), "description": "null for a key of the whole organization."},
            "name": TEXT,
            "status": TEXT,
            "hint": {**TEXT, "description": "The few characters of the key that Anthropic shows."},
            "created_by": optional(TEXT),
            "created_at": optional(TIME),
            "expires_at": optional(TIME),
            **_SEEN,
        }
    ),
    "ApiKeyPage": _page("ApiKey"),
    "Observation": closed(
        shapes.OBSERVATION,
        may_lack=tuple(name for name in shapes.OBSERVATION if name not in ("status", "headers")),
        example=shapes.OBSERVATION_EXAMPLE,
    ),
    "Recorded": closed(
        {
            "recorded": {**COUNT, "description": "How many observations were new."},
            "repeated": {**COUNT, "description": "How many had been told before."},
        }
    ),
    "QuoteRequest": closed(
        {
            "id": {"type": ["string", "number", "null"]},
            "model": TEXT,
            "date": DAY,
            "service_tier": _WORD,
            "context_window": _WORD,
            "inference_geo": _WORD,
            "speed": _WORD,
            "tokens": closed(_TOKENS, may_lack=tuple(_TOKENS)),
            "web_search_requests": COUNT,
        },
        may_lack=(
            "id",
            "service_tier",
            "context_window",
            "inference_geo",
            "speed",
            "tokens",
            "web_search_requests",
        ),
        example=shapes.QUOTE_EXAMPLE,
    ),
    "QuoteCharge": closed(
        {
            "meter": among(*METERS),
            "quantity": COUNT,
            "cost_usd": optional(USD),
            "unit_price_usd": USD,
            "unit_price_usd_per_mtok": optional(USD),
            "unit_price_low_usd_per_mtok": optional(USD),
            "unit_price_high_usd_per_mtok": optional(USD),
            "cost_low_usd": USD,
            "cost_high_usd": USD,
        },
        may_lack=(
            "unit_price_usd",
            "unit_price_usd_per_mtok",
            "unit_price_low_usd_per_mtok",
            "unit_price_high_usd_per_mtok",
            "cost_low_usd",
            "cost_high_usd",
        ),
    ),
    "Quote": closed(
        {
            "id": {"type": ["string", "number", "null"]},
            "status": among("priced", "range", "unpriced", "invalid"),
            "cost_usd": optional(USD),
            "low_usd": optional(USD),
            "high_usd": optional(USD),
            "charges": array(ref("QuoteCharge")),
            "unpriced": array(closed({"meter": among(*METERS), "quantity": COUNT, "reason": among(*REASONS)})),
            "warnings": array(among(*WARNINGS)),
            "error": optional(TEXT),
            "price_version": TEXT,
        }
    ),
}
PLACES: Json = {
    "id": {"name": "id", "in": "path", "required": True, "description": "Its id.", "schema": {**TEXT, "minLength": 1}}
}
SIGN_IN: Json = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "Set by /sign-in/.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": f"The value of the cookie {settings.CSRF_COOKIE_NAME}, with everything but GET and HEAD.",
    },
    "observations": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `COSTWATCH_OBSERVATIONS_TOKEN`.",
    },
}


def example_problem(status: int, says: str) -> Json:
    """A problem as it may look."""
    errors = [{"parameter": "since", "detail": "It is not a day. Write it as 2026-11-01."}] if status == 400 else []
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": says,
        "instance": "/api/v1/reports/spend",
        "errors": errors,
    }
