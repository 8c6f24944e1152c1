"""The keys of a workspace: their reported cost split by usage, and when each was last used."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max

from costwatch.directory.models import CONSOLE_KEY, ApiKey, Member
from costwatch.insights.amounts import Bounds, Scope, contracted_by
from costwatch.insights.periods import Period
from costwatch.insights.spend import Spend
from costwatch.insights.split import split
from costwatch.ledger.models import SeriesDay


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key. `split` is its part of the reported cost in pico-dollars, None where there is nothing to divide by."""

    external_id: str
    name: str
    status: str
    created_by: str
    expires_at: datetime | None
    last_used: date | None
    split: int | None
    contracted: Bounds


def keys(scope: Scope, figures: Spend) -> list[KeyLine]:
    """The keys of a workspace, dearest first; their splits sum to the reported cost exactly."""
    used = contracted_by(scope, figures.period, "api_key_id")
    reported_part = Period(figures.period.since, figures.reported_until)
    weights = {}
    if reported_part.since < reported_part.until:
        weights = {key: one.low + one.high for key, one in contracted_by(scope, reported_part, "api_key_id").items()}
    parts = split(figures.reported, weights) if figures.reads_cost else {}
    rows = {
        row.external_id: row
        for row in ApiKey.objects.filter(organization=scope.organization, workspace_key=scope.workspace)
    }
    rows |= {
        row.external_id: row
        for row in ApiKey.objects.filter(organization=scope.organization, external_id__in=set(used) - set(rows))
    }
    people = dict(Member.objects.filter(organization=scope.organization).values_list("external_id", "name"))
    last = _last_used(scope)
    made = []
    for key in {*rows, *used}:
        row = rows.get(key)
        made.append(
            KeyLine(
                external_id=key,
                name=row.name if row else "No API key (Console, OAuth)" if key == CONSOLE_KEY else key,
                status=row.status if row else "",
                created_by=people.get(row.created_by, row.created_by) if row else "",
                expires_at=row.expires_at if row else None,
                last_used=last.get(key),
                split=parts.get(key, 0) if parts else None,
                contracted=used.get(key, Bounds()),
            )
        )
    return sorted(made, key=lambda one: (-(one.split or 0), -one.contracted.low, one.name, one.external_id))


def _last_used(scope: Scope) -> dict[str, date]:
    rows = SeriesDay.objects.filter(
        series__organization=scope.organization, series__workspace_id=scope.workspace
    ).values("series__api_key_id")
    return dict(rows.annotate(last=Max("day")).values_list("series__api_key_id", "last"))
