"""One code path for the command line and the tasks: plan, fetch, record, price, roll up."""

from costwatch.ingest import again
from costwatch.ingest.connect import Connection
from costwatch.ingest.lease import Held, lease
from costwatch.ingest.lists import sync_lists
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.runs import source_of
from costwatch.ingest.sources import DIRECTORY, EVERY, Listed, Windowed
from costwatch.ingest.windows import Windows


def sync(connection: Connection, source: str, order: Order) -> Run | None:
    """Run one source under its lease. Shape: the run; None when there was nothing to do.

    Raises: Busy when another run of this source is at work.
    """
    organization, which = connection.organization, EVERY[source]
    if which.needs_names and not _names_are_known(organization.pk):
        return None
    with lease(organization.pk, source) as held:
        organization.refresh_from_db()
        if isinstance(which, Listed):
            run = sync_lists(connection, which, order)
            for one in again.asked(organization, source):
                again.finish(one, run)
            if which.after:
                which.after(organization)
            return run
        if not order.is_exact:
            _read_again(connection, which, order, held)
        return Windows(connection, which, order, held).run()


def _names_are_known(organization_id: int) -> bool:
    """Whether the directory was read, as far as the key may read it."""
    directory = source_of(organization_id, DIRECTORY)
    return directory.last_success_at is not None or not directory.available


def _read_again(connection: Connection, which: Windowed, order: Order, held: Held) -> None:
    """Read the spans that somebody asked for."""
    for one in again.asked(connection.organization, which.name):
        run = Windows(connection, which, Order(one.since, one.until, tell=order.tell), held).run()
        again.finish(one, run)
