"""Months that a dead run left behind their days: made without a run, since nothing of what it read is missing."""

from costwatch.ingest import usage
from costwatch.ingest.lease import Busy, lease
from costwatch.ingest.models import Lease
from costwatch.ledger.models import StaleMonth
from costwatch.ledger.rollup import refresh_series_months


def left_behind() -> list[int]:
    """The organizations with such months that nobody is at work on."""
    at_work = Lease.objects.filter(source=usage.SOURCE).values("organization_id")
    stale = StaleMonth.objects.exclude(organization_id__in=at_work)
    return list(stale.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def follow() -> None:
    """Make them, each organization's under the lease of its usage. A run that is at work makes its own."""
    for organization_id in left_behind():
        try:
            with lease(organization_id, usage.SOURCE) as held:
                refresh_series_months(organization_id=organization_id, fence=held.renew)
        except Busy:
            continue
