"""CSV of everything a page shows: exact, plain numbers, names that a spreadsheet never runs."""

import csv
import re
from collections.abc import Callable, Iterable, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from costwatch.insights import charts, freshness
from costwatch.insights.render import neutral
from costwatch.insights.spend import Scope, Spend, spend
from costwatch.ledger.prices import in_force as price_table
from costwatch.web import address, names
from costwatch.web.address import DAY, Address
from costwatch.web.keys import keys_table
from costwatch.web.panel import finished
from costwatch.web.tables import table
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

_KEY_AMOUNTS = ("split_usd", "contracted_low_usd", "contracted_high_usd")


@require_GET
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
    known = freshness.standings(at.organization)
    through = next((one.through for one in known if one.source == "cost" and one.through), None)
    writer.writerow([*next(records), "data_through", "price_version"])
    for record in records:
        writer.writerow([*map(_cell, record), through.isoformat() if through else "", price_table().version])
    return response


def _cell(text: str) -> str:
    """Numbers stay numbers, credits too; everything else is neutral text."""
    return text if _NUMBER.fullmatch(text) else neutral(text)


def _spend(scope: Scope, figures: Spend, at: Address) -> Records:
    breakdown = at.breakdown or ("model" if scope.workspace else "workspace")
    return charts.records(finished(scope, figures, breakdown, at))


def _table(dimension: str, label: str) -> Callable[[Scope, Spend, Address], Records]:
    def made(scope: Scope, figures: Spend, at: Address) -> Records:
        yield [label, f"{label}_name", *_AMOUNTS, *METERS]
        for row in table(scope, figures, dimension, at).rows:
            line, ahead = row.line, row.line.forecast
            amounts = (
                line.reported if figures.reads_cost else None,
                line.compared if figures.compared else None,
                line.since_then.low,
                line.since_then.high,
                ahead.low if ahead else None,
                ahead.middle if ahead else None,
                ahead.high if ahead else None,
            )
            yield [
                line.value,
                row.called.label,
                *("" if amount is None else format_usd(amount) for amount in amounts),
                str(line.contracted.unpriced_tokens),
                *map(str, line.counts),
            ]

    return made


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
        ]


_RECORDS = {
    "spend": _spend,
    "workspaces": _table("workspace_id", "workspace_id"),
    "models": _table("model", "model"),
    "keys": _keys,
}
