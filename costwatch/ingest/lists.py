"""A run over lists of objects: each part on its own, so that one that is refused does not hide the others."""

from datetime import datetime

from costwatch import clock
from costwatch.ingest.connect import Connection
from costwatch.ingest.models import Part, Run
from costwatch.ingest.order import Order
from costwatch.ingest.runs import ASK_AGAIN_AFTER, running
from costwatch.ingest.sources import Listed
from costwatch.upstream.errors import Refused, UpstreamError


def sync_lists(connection: Connection, which: Listed, order: Order) -> Run:
    """Read every part of a listed source that the key may read. What it may not is asked for again after a day."""
    organization, client = connection.organization, connection.client
    with running(organization, which.name, client) as progress:
        now, closed = clock.now(), dict[str, Refused]()
        for name, read in which.parts:
            part, _ = Part.objects.get_or_create(organization=organization, source=which.name, name=name)
            if not _may_be_asked(part, now):
                continue
            progress.run.windows_planned += 1
            try:
                progress.run.rows_read += read(organization, client, now)
            except UpstreamError as error:
                if isinstance(error, Refused) and error.closes and name not in which.needed:
                    closed[name] = error
                    part.available, part.reason, part.checked_at = False, str(error), now
                    part.save()
                    progress.run.windows_done += 1
                    continue
                progress.failed(name, error)
                if isinstance(error, Refused) and error.status == 401:
                    break
                continue
            part.available, part.reason, part.read_at = True, "", now
            part.save()
            progress.run.windows_done += 1
            order.tell(f"{which.name}: {name} read")
        if len(closed) == len(which.parts):
            # Nothing is left of it: the source itself is closed.
            progress.failed(*closed.popitem())
    return progress.run


def _may_be_asked(part: Part, now: datetime) -> bool:
    return part.available or part.checked_at is None or now - part.checked_at >= ASK_AGAIN_AFTER
