"""Meeting the organizations: whose credential each is, which was replaced, and which is gone."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.connect import CannotConnect, client, connect, release
from costwatch.ingest.models import Installation, Source
from costwatch.ingest.runs import PAUSE, could_not_begin, source_of
from costwatch.ingest.sources import SOURCES
from costwatch.secrets import book, configured
from costwatch.secrets.configured import Configured
from costwatch.upstream.credential import MissingCredential
from costwatch.upstream.errors import UpstreamError

log = logging.getLogger(__name__)


def meet_everybody() -> bool:
    """Connect every credential that is new, was replaced or is due for another try. Shape: whether one was met.

    Nobody is asked about a credential that works: that costs a look at the files, and no request.
    """
    try:
        found = configured.credentials()
    except MissingCredential as error:
        complain([f"{error}. {error.do}".strip()])
        return False
    let_go(found)
    if not found:
        complain([configured.nothing()])
        return False
    complaints, is_met = [], False
    claimed = set(Organization.objects.filter(is_read=True).values_list("credential", flat=True))
    for one in found:
        try:
            said = book.standing_refusal(one, clock.now())
            if not said and (one.label not in claimed or book.is_new(one)):
                with client(one.label) as opened:
                    connect(opened, one.label)
                is_met = True
        except (CannotConnect, UpstreamError, MissingCredential) as error:
            said = str(error)
            log.error("%s cannot connect: %s", one.shown, error)
        if said:
            complaints.append(f"{one.label}: {said}" if one.label else said)
    complain(complaints)
    return is_met


def let_go(found: list[Configured]) -> None:
    """Say on its sources that an organization's credential is gone. What was read of it stays."""
    orphans = Organization.objects.filter(is_read=True).exclude(credential__in=[one.label for one in found])
    for organization in orphans:
        release(organization)


def turned_away(
    organization: Organization, sources: Iterable[str], began: datetime, error: CannotConnect | UpstreamError
) -> None:
    """Write down that some sources were not read, for nobody could connect.

    Where it is the credential that was refused, nothing is asked for a quarter of an hour, and no source works.
    """
    now = clock.now()
    said = {"last_error": str(error), "last_error_at": now}
    health = Source.objects.filter(organization=organization)
    for name in sources:
        could_not_begin(organization, name, began, str(error), error.request_id)
        source_of(organization.pk, name)
        health.filter(name=name).update(**said, failures=F("failures") + 1)
    if isinstance(error, CannotConnect) and error.is_refused:
        for name in SOURCES:
            source_of(organization.pk, name)
        together = health.filter(name__in=SOURCES)
        together.update(**said, paused_until=now + PAUSE, failures=Greatest("failures", 1))


def complain(complaints: list[str]) -> None:
    """Keep what keeps credentials from connecting; nothing where all of them work."""
    Installation.objects.update(connect_error="\n".join(complaints))
