"""Pricing again while nobody writes usage: a run keeps the prices it began with until it ends."""

from costwatch.directory.models import Organization
from costwatch.ingest import usage
from costwatch.ingest.lease import Busy, lease
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger import reprice as ledger_reprice


def reprice() -> bool:
    """Price every organization with the table in force, each under the lease of its usage.

    Shape: whether all are. Where a run is at work it stays due: what that run writes is priced again after it.
    """
    prices = ledger_prices.publish()
    busy = 0
    for organization in Organization.objects.order_by("pk"):
        try:
            with lease(organization.pk, usage.SOURCE) as held:
                for _ in ledger_reprice.reprice(prices, organization.pk, fence=held.renew):
                    pass
        except Busy:
            busy += 1
    if not busy:
        ledger_reprice.note_applied(prices)
    return not busy
