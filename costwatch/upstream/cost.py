"""The cost report: daily lines by workspace and description, amounts in fractional cents.

Source: reference pages of cost_report (September 2026). An amount is a decimal string in the currency's lowest unit.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

import msgspec

from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import Bucket, Report, Window, read_report
from costwatch.upstream.usage import Rejected

PATH = "/v1/organizations/cost_report"
BUCKET_LIMIT = 31
# ASCII digits only: Decimal would also take spaces, underscores and other scripts' digits.
AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
# The report's dotted token types and our meters are one concept; ours have no dots.
METER_OF_TOKEN_TYPE = {
    "uncached_input_tokens": "uncached_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "ephemeral_1h_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "output_tokens": "output_tokens",
}
KNOWN_COST_TYPES = {"tokens", "web_search", "code_execution", "session_usage"}


class _Row(msgspec.Struct, gc=False):
    amount: str
    currency: str
    workspace_id: str | None = None
    description: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One cost line: every field the vendor sent; `extra` is JSON of those this version has no name for."""

    amount_cents: str
    currency: str
    workspace_id: str | None
    description: str | None
    cost_type: str | None
    token_type: str | None
    model: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    extra: str


@dataclass(slots=True)
class Parsed:
    """A day's lines, what could not be recorded, and what this version had not met before."""

    lines: list[Line] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    novelties: Counter[tuple[str, str]] = field(default_factory=Counter)


def read(client: AdminClient, window: Window, *, limit: int = BUCKET_LIMIT, grouped: bool = True) -> Report:
    """Every day of the cost report in a window; ungrouped, what each comes to.

    Raises: UpstreamError.
    """
    by = [("group_by[]", "workspace_id"), ("group_by[]", "description")] if grouped else []
    return read_report(client, PATH, window, [("bucket_width", "1d"), *by], limit=limit)


def added(bucket: Bucket) -> dict[str, Decimal] | None:
    """What a day's lines come to by currency, in cents, exact; None where one of them cannot be read."""
    parsed = parse(bucket)
    if parsed.rejected:
        return None
    with localcontext() as context:
        context.prec = 200
        sums: dict[str, Decimal] = {}
        for line in parsed.lines:
            sums[line.currency] = sums.get(line.currency, Decimal(0)) + Decimal(line.amount_cents)
        return {currency: amount for currency, amount in sums.items() if amount}


def parse(bucket: Bucket) -> Parsed:
    """Decode a day's lines. A line whose amount is not a plain decimal is kept aside, never read as 0."""
    parsed = Parsed()
    for raw in map(bytes, bucket.rows):
        try:
            row = msgspec.json.decode(raw, type=_Row)
            fields = msgspec.json.decode(raw)
            if not AMOUNT.fullmatch(row.amount):
                raise msgspec.ValidationError(f"{row.amount[:60]!r} is not a decimal amount in cents - at `$.amount`")
            if not re.fullmatch("[A-Z]{3}", row.currency):
                raise msgspec.ValidationError(f"{row.currency[:20]!r} is not a currency - at `$.currency`")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            parsed.rejected.append(Rejected(str(error), raw.decode("utf-8", "backslashreplace")[:10_000]))
            continue
        extra = {name: fields[name] for name in sorted(fields) if name not in _Row.__struct_fields__}
        _note(row, extra, parsed.novelties)
        parsed.lines.append(
            Line(
                row.amount,
                row.currency,
                row.workspace_id,
                row.description,
                row.cost_type,
                METER_OF_TOKEN_TYPE.get(row.token_type, row.token_type) if row.token_type else row.token_type,
                row.model,
                row.service_tier,
                row.context_window,
                row.inference_geo,
                msgspec.json.encode(extra).decode() if extra else "",
            )
        )
    return parsed


def _note(row: _Row, extra: dict[str, object], novelties: Counter[tuple[str, str]]) -> None:
    for name in extra:
        novelties[name[:200], ""] += 1
    if row.cost_type is not None and row.cost_type not in KNOWN_COST_TYPES:
        novelties["cost_type", row.cost_type[:200]] += 1
    if row.token_type is not None and row.token_type not in METER_OF_TOKEN_TYPE:
        novelties["token_type", row.token_type[:200]] += 1
    if row.currency != "USD":
        novelties["currency", row.currency] += 1
