"""Reading a span once more because somebody asked for it: written down first, so that nobody can forget it."""

from contextlib import suppress
from datetime import date, timedelta

from django.db import IntegrityError, transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Again, Run, Source
from costwatch.ingest.sources import EVERY, Listed

MOST = timedelta(days=31)


class CannotAsk(ValueError):
    """A span that cannot be read again, and why."""


def ask(*, organization: Organization, source: str, since: date | None, until: date | None, by: str) -> None:
    """Ask for a span of a source, [since, until), to be read once more; of lists for all of it. Asking twice is once.

    A pause of the source ends with it. Raises: CannotAsk.
    """
    which = EVERY.get(source)
    if which is None:
        raise CannotAsk(f"there is no source {source!r}")
    if isinstance(which, Listed):
        since = until = None
    elif since is None or until is None or since >= until:
        raise CannotAsk("the first day must be before the day it ends")
    elif until - since > MOST:
        raise CannotAsk(f"at most {MOST.days} days at once; manage.py sync reads longer spans")
    elif clock.midnight(since) > clock.now():
        raise CannotAsk("that has not happened yet")
    elif clock.midnight(since) < which.since(organization, clock.now()):
        raise CannotAsk(f"this source is read from {which.since(organization, clock.now()):%Y-%m-%d} on")
    now = clock.now()
    Source.objects.filter(organization=organization, name=source).update(paused_until=None)
    # Where it waits already, it is not asked twice.
    with suppress(IntegrityError), transaction.atomic():
        Again.objects.create(
            organization=organization,
            source=source,
            since=since,
            until=until,
            span=f"{since}/{until}" if since else "",
            asked_at=now,
            asked_by=by,
        )


def asked(organization: Organization, source: str) -> list[Again]:
    """What was asked for and is not read yet, in the order it was asked."""
    return list(Again.objects.filter(organization=organization, source=source, finished_at=None).order_by("pk"))


def waiting(organization: Organization) -> set[str]:
    """The sources of which something was asked for and is not read yet."""
    return set(Again.objects.filter(organization=organization, finished_at=None).values_list("source", flat=True))


def finish(one: Again, run: Run | None) -> bool:
    """Note that it was read; a run that failed leaves it to be tried again, by the source's own pace.

    Shape: whether it was read.
    """
    is_read = run is None or run.outcome == Run.Outcome.SUCCEEDED
    if is_read:
        one.finished_at, one.run = clock.now(), run.pk if run else None
        one.save(update_fields=["finished_at", "run"])
    return is_read
