"""Celery's side of ingestion: ring the bell, take one source, do what the database says is due."""

import logging
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import F

from costwatch import clock
from costwatch.celery import app
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat, repricing, slots, usage
from costwatch.ingest.agenda import is_due
from costwatch.ingest.connect import CannotConnect, client, connect
from costwatch.ingest.lease import Busy
from costwatch.ingest.models import Installation, Source
from costwatch.ingest.order import Order
from costwatch.ingest.sources import SOURCES
from costwatch.ingest.sync import sync
from costwatch.ingest.unfinished import unfinished
from costwatch.ingest.upkeep import upkeep as keep_up
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger import reprice as ledger_reprice
from costwatch.role import WORKER
from costwatch.upstream.errors import UpstreamError

log = logging.getLogger(__name__)

# A long backfill hands its lease on this often: so a stop waits no longer, and a tick never waits behind it for long.
SECONDS_A_TASK = 15.0
TICK_EVERY, SWEEP_EVERY = timedelta(seconds=60), timedelta(seconds=15)
UPKEEP_EVERY = timedelta(hours=1)
AGAIN_SECONDS = 10


@app.task(name="costwatch.ingest.tasks.tick")
def tick() -> None:
    """Ring for what is due, once a minute however many schedulers there are."""
    if slots.claim("tick", TICK_EVERY):
        heartbeat.renew(WORKER)
        ring()
        if slots.claim("upkeep", UPKEEP_EVERY):
            upkeep.delay()


@app.task(name="costwatch.ingest.tasks.upkeep")
def upkeep(**_: object) -> None:
    """What is done beside reading, once an hour: the figures of limits, and letting go of what is too old."""
    keep_up(clock.now())


@app.task(name="costwatch.ingest.tasks.sweep")
def sweep() -> None:
    """Take up again what a dead process left behind, or a broker forgot."""
    if slots.claim("sweep", SWEEP_EVERY):
        for organization_id, source in unfinished():
            run_source.delay(organization_id, source)


@app.task(name="costwatch.ingest.tasks.ring")
def ring() -> None:
    """Ask the database what is due and ring for it. Safe to run twice: a lease lets one run work."""
    now = clock.now()
    ledger_prices.publish()
    if ledger_reprice.is_due():
        reprice.delay()
    organizations = list(Organization.objects.order_by("pk"))
    if not organizations:
        meet.delay()
    for organization in organizations:
        for source in SOURCES:
            if is_due(organization, source, now):
                run_source.delay(organization.pk, source)


@app.task(name="costwatch.ingest.tasks.meet")
def meet() -> None:
    """Find out whose key we have, then ring."""
    try:
        with client() as opened:
            connect(opened)
    except (CannotConnect, UpstreamError) as error:
        log.error("cannot connect: %s", error)
        Installation.objects.update(connect_error=str(error))
        return
    Installation.objects.update(connect_error="")
    ring()


@app.task(name="costwatch.ingest.tasks.run_source")
def run_source(organization_id: int, source: str, **_: object) -> None:
    """Do what is due of one source, for a quarter of a minute at most, then ring again if something is left."""
    try:
        is_left = _run(Organization.objects.get(pk=organization_id), source)
    except (OperationalError, InterfaceError) as error:
        # The database went away, or gave up on a statement; the next try finds out which.
        log.warning("%s was interrupted by the database: %s", source, error)
        run_source.apply_async((organization_id, source), countdown=AGAIN_SECONDS)
        return
    if is_left:
        run_source.delay(organization_id, source)


def _run(organization: Organization, source: str) -> bool:
    """Run one source if it is due. Shape: whether something is left to do at once."""
    if not is_due(organization, source, clock.now()):
        return False
    if source == usage.SOURCE and ledger_reprice.is_due():
        # A history that is being read hands on without a pause: between two of its runs is the time for it.
        repricing.reprice()
    try:
        with client() as opened:
            run = sync(connect(opened), source, Order(seconds=SECONDS_A_TASK, paced=True))
    except Busy:
        return False
    except (CannotConnect, UpstreamError) as error:
        log.error("%s cannot be read: %s", source, error)
        Source.objects.filter(organization=organization, name=source).update(
            last_error=str(error), last_error_at=clock.now(), failures=F("failures") + 1
        )
        return False
    # Another source's run may have found an earlier beginning of history meanwhile.
    organization.refresh_from_db()
    return bool(run and run.outcome == run.Outcome.SUCCEEDED and is_due(organization, source, clock.now()))


@app.task(name="costwatch.ingest.tasks.reprice")
def reprice() -> None:
    """Price every day again with the table in force."""
    repricing.reprice()
