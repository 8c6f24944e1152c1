"""CSV of everything a page shows: exact, plain numbers, names that a spreadsheet never runs."""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from costwatch import clock
from costwatch.insights import charts, freshness
from costwatch.insights.amounts import Scope
from costwatch.insights.render import neutral
from costwatch.insights.spend import Spend, spend
from costwatch.ledger.prices import in_force as price_table
from costwatch.web import address, names
from costwatch.web.address import DAY, Address
from costwatch.web.keys import keys_table
from costwatch.web.panel import finished
from costwatch.web.tables import Row, table
from pricing.meters import METERS
from pricing.money import format_usd

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
Records = Iterable[Sequence[str]]
_AMOUNTS = (
    "reported_usd",
    "compared_reported_usd",
    "since_contracted_low_usd",
    "since_contracted_high_usd",
    "forecast_low_usd",
    "forecast_middle_usd",
    "forecast_high_usd",
    "unpriced_tokens",
)

_KEY_AMOUNTS = ("split_usd", "contracted_low_usd", "contracted_high_usd", "unpriced_tokens")


@require_safe
def download(request: HttpRequest, what: str) -> HttpResponse:
    """One table of a page."""
    at = address.read(request)
    key = request.GET.get("workspace", "")
    if at.organization is None or (key and ("\0" in key or not names.is_known(at.organization, key))):
        raise Http404
    scope = Scope(at.organization, key)
    figures = spend(scope, at.period, at.compare)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="costwatch-{what}-{at.period.since}-{at.period.until - DAY}.csv"'
    )
    writer = csv.writer(response, lineterminator="\n")
    records = iter(_RECORDS[what](scope, figures, at))
    writer.writerow([*next(records), "reported_through", "data_through", "price_version"])
    provenance = _provenance(figures, freshness.usage_through(at.organization, at.period))
    for record in records:
        writer.writerow([*map(_cell, record), *provenance])
    return response


def _provenance(figures: Spend, used: datetime | None) -> tuple[str, str, str]:
    """How far what was reported goes, how far the usage goes, and by which prices it is valued."""
    reported = clock.rfc3339(clock.midnight(figures.reported_until)) if figures.knows_reported else ""
    return reported, clock.rfc3339(used) if used else "", price_table().version


def _cell(text: str) -> str:
    """Numbers stay numbers, credits too; everything else is neutral text."""
    return text if _NUMBER.fullmatch(text) else neutral(text)


def _spend(scope: Scope, figures: Spend, at: Address) -> Records:
    breakdown = at.breakdown or ("model" if scope.workspace else "workspace")
    return charts.records(finished(scope, figures, breakdown, at))


def _workspaces(scope: Scope, figures: Spend, at: Address) -> Records:
    yield ["workspace_id", "workspace_name", *_AMOUNTS, *METERS]
    for row in table(scope, figures, "workspace_id", at).rows:
        yield [row.line.value, row.called.label, *_amounts(row, figures)]


def _models(scope: Scope, figures: Spend, at: Address) -> Records:
    """A reported line without a model has its cost type instead."""
    yield ["model", "model_name", "cost_type", *_AMOUNTS, *METERS]
    for row in table(scope, figures, "model", at).rows:
        value = row.line.value
        is_type = value.startswith("(") and value.endswith(")")
        yield ["" if is_type else value, row.called.label, value[1:-1] if is_type else "", *_amounts(row, figures)]


def _amounts(row: Row, figures: Spend) -> list[str]:
    """The amounts of a row, empty where nobody knows them, and its counts."""
    line, ahead = row.line, row.line.forecast
    amounts = (
        row.reported,
        line.compared if figures.compared else None,
        row.since.low if row.since else None,
        row.since.high if row.since else None,
        ahead.low if ahead else None,
        ahead.middle if ahead else None,
        ahead.high if ahead else None,
    )
    texts = ["" if amount is None else format_usd(amount) for amount in amounts]
    return [*texts, str(line.contracted.unpriced_tokens), *map(str, line.counts)]


def _keys(scope: Scope, figures: Spend, at: Address) -> Records:
    yield ["api_key_id", "name", "status", "last_used", "expires_at", *_KEY_AMOUNTS]
    for row in keys_table(scope, figures).rows:
        key = row.key
        yield [
            key.external_id,
            names.visible(key.name, key.external_id),
            key.status,
            key.last_used.isoformat() if key.last_used else "",
            key.expires_at.isoformat() if key.expires_at else "",
            "" if key.split is None else format_usd(key.split),
            format_usd(key.contracted.low),
            format_usd(key.contracted.high),
            str(key.contracted.unpriced_tokens),
        ]


_RECORDS: dict[str, Callable[[Scope, Spend, Address], Records]] = {
    "spend": _spend,
    "workspaces": _workspaces,
    "models": _models,
    "keys": _keys,
}
