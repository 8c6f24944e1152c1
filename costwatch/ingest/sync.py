"""One code path for the command line and the tasks: plan, fetch, record, price, roll up."""

from costwatch.ingest.connect import Connection
from costwatch.ingest.lease import lease
from costwatch.ingest.lists import sync_lists
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.sources import EVERY, Listed
from costwatch.ingest.windows import Windows


def sync(connection: Connection, source: str, order: Order) -> Run | None:
    """Run one source under its lease. Shape: the run; None when there was nothing to do.

    Raises: Busy when another run of this source is at work.
    """
    organization, which = connection.organization, EVERY[source]
    with lease(organization.pk, source) as held:
        organization.refresh_from_db()
        if isinstance(which, Listed):
            return sync_lists(connection, which, order)
        return Windows(connection, which, order, held).run()
