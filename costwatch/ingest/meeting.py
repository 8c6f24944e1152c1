"""Meeting the organizations: whose credential each is, which was replaced, and which is gone."""

import logging
from datetime import datetime

from django.db.models import F

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.connect import CannotConnect, client, connect, release
from costwatch.ingest.models import Installation, Source
from costwatch.ingest.runs import PAUSE, source_of
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
        _complain([f"{error}. {error.do}".strip()])
        return False
    let_go(found)
    if not found:
        _complain([configured.nothing()])
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
    _complain(complaints)
    return is_met


def let_go(found: list[Configured]) -> None:
    """Say on its sources that an organization's credential is gone. What was read of it stays."""
    orphans = Organization.objects.filter(is_read=True).exclude(credential__in=[one.label for one in found])
    for organization in orphans:
        release(organization)


def pause(organization: Organization, error: CannotConnect, now: datetime) -> None:
    """Ask nothing of an organization for a quarter of an hour: its credential was refused. Others go on."""
    for name in SOURCES:
        source_of(organization.pk, name)
    Source.objects.filter(organization=organization, name__in=SOURCES).update(
        paused_until=now + PAUSE, last_error=str(error), last_error_at=now, failures=F("failures") + 1
    )


def _complain(complaints: list[str]) -> None:
    Installation.objects.update(connect_error="\n".join(complaints))
