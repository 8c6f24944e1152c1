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


class Waits(Exception):
    """A source that needs what another one has not read yet."""


def sync(connection: Connection, source: str, order: Order) -> Run | None:
    """Run one source under its lease. Shape: the run; None when there was nothing to do.

    Raises: Busy when another run of this source is at work; Waits when it needs what is not read yet.
    """
    organization, which = connection.organization, EVERY[source]
    if which.needs_names and not _names_are_known(organization.pk):
        raise Waits(f"waits for the {DIRECTORY}, which was not read yet")
    with lease(organization.pk, source) as held:
        organization.refresh_from_db()
        if isinstance(which, Listed):
            run = sync_lists(connection, which, order)
            for one in again.asked(organization, source):
                again.finish(one, run)
            if which.after:
                which.after(organization)
            return run
        failed = None if order.is_exact else _read_again(connection, which, order, held)
        due = Windows(connection, which, order, held).run()
        return failed if failed and (due is None or due.outcome == Run.Outcome.SUCCEEDED) else due


def _names_are_known(organization_id: int) -> bool:
    """Whether the directory was read, as far as the key may read it."""
    directory = source_of(organization_id, DIRECTORY)
    return directory.last_success_at is not None or not directory.available


def _read_again(connection: Connection, which: Windowed, order: Order, held: Held) -> Run | None:
    """Read the spans that somebody asked for. Shape: the last run that failed."""
    failed = None
    for one in again.asked(connection.organization, which.name):
        run = Windows(connection, which, Order(one.since, one.until, tell=order.tell), held).run()
        if not again.finish(one, run):
            failed = run
    return failed
