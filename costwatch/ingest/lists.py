"""A run over lists of objects: each part on its own, so that one that is refused does not hide the others."""

from costwatch import clock
from costwatch.ingest.connect import Connection
from costwatch.ingest.models import Run
from costwatch.ingest.order import Order
from costwatch.ingest.runs import available, may_run, running, source_of, unavailable
from costwatch.ingest.sources import Listed
from costwatch.upstream.errors import Refused, UpstreamError


def sync_lists(connection: Connection, which: Listed, order: Order) -> Run:
    """Read every part of a listed source that the key may read."""
    organization, client = connection.organization, connection.client
    with running(organization, which.name, client) as progress:
        now = clock.now()
        for part, read in which.parts:
            health = source_of(organization.pk, f"{which.name}.{part}")
            if not may_run(health, now):
                continue
            progress.run.windows_planned += 1
            try:
                progress.run.rows_read += read(organization, client, now)
            except UpstreamError as error:
                if isinstance(error, Refused) and error.status in (403, 404) and part not in which.needed:
                    unavailable(health, str(error), now)
                    progress.run.windows_done += 1
                    continue
                progress.failed(part, error)
                if isinstance(error, Refused) and error.status == 401:
                    break
                continue
            available(health, now)
            progress.run.windows_done += 1
            order.tell(f"{which.name}: {part} read")
    return progress.run
