"""Celery's side of ingestion: ring the bell, take one source, do what the database says is due."""

import logging
from datetime import timedelta

from django.db import InterfaceError, OperationalError

from costwatch import clock
from costwatch.celery import app
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat, months, repricing, slots, usage
from costwatch.ingest.agenda import due, is_due
from costwatch.ingest.connect import CannotConnect, client, connect
from costwatch.ingest.lease import Busy
from costwatch.ingest.meeting import meet_everybody, turned_away
from costwatch.ingest.order import Order
from costwatch.ingest.poison import park_if_deadly
from costwatch.ingest.sources import EVERY
from costwatch.ingest.sync import Waits, sync
from costwatch.ingest.unfinished import unfinished
from costwatch.ingest.upkeep import upkeep as keep_up
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger import reprice as ledger_reprice
from costwatch.role import CHORES, WORKER
from costwatch.upstream.errors import UpstreamError

log = logging.getLogger(__name__)

# A long backfill hands its lease on this often: so a stop waits no longer, and a tick never waits behind it for long.
SECONDS_A_TASK = 15.0
TICK_EVERY, SWEEP_EVERY = timedelta(seconds=60), timedelta(seconds=15)
UPKEEP_EVERY = timedelta(minutes=10)
AGAIN_SECONDS = 10
HEARD_WITHIN = 55


@app.task(name="costwatch.ingest.tasks.tick")
def tick(**_: object) -> None:
    """Ring for what is due, once a minute however many schedulers there are."""
    if slots.claim("tick", TICK_EVERY):
        heartbeat.renew(CHORES)
        hear.apply_async(expires=HEARD_WITHIN)
        ring()
        if slots.claim("upkeep", UPKEEP_EVERY):
            upkeep.delay()


@app.task(name="costwatch.ingest.tasks.hear")
def hear(**_: object) -> None:
    """The sign of life of those that read, which have a queue of their own."""
    heartbeat.renew(WORKER)


@app.task(name="costwatch.ingest.tasks.upkeep")
def upkeep(**_: object) -> None:
    """What is done beside reading, every ten minutes: the figures of limits, and letting go of what is too old."""
    keep_up(clock.now())


@app.task(name="costwatch.ingest.tasks.sweep")
def sweep(**_: object) -> None:
    """Take up again what a dead process left behind, or a broker forgot."""
    if slots.claim("sweep", SWEEP_EVERY):
        for organization_id, source in unfinished():
            run_source.delay(organization_id, source)
        if months.left_behind():
            follow_months.delay()
        # A bell that was lost with its broker is rung a quarter of a minute later, not a whole one.
        tick()


@app.task(name="costwatch.ingest.tasks.follow_months")
def follow_months(**_: object) -> None:
    """Make the months that a dead run left behind their days."""
    months.follow()


@app.task(name="costwatch.ingest.tasks.ring")
def ring(**_: object) -> None:
    """Ask the database what is due and ring for it. Safe to run twice: a lease lets one run work."""
    now = clock.now()
    ledger_prices.publish()
    if ledger_reprice.is_due():
        reprice.delay()
    # Whoever reads has the credentials: there it is seen whether one came, was replaced, or is gone.
    meet.delay()
    for organization in Organization.objects.filter(is_read=True).order_by("pk"):
        for source in due(organization, now):
            run_source.delay(organization.pk, source)


@app.task(name="costwatch.ingest.tasks.meet")
def meet(**_: object) -> None:
    """Find out whose credentials we have; ring where there is somebody new."""
    if meet_everybody():
        ring()


@app.task(name="costwatch.ingest.tasks.run_source")
def run_source(organization_id: int, source: str, **_: object) -> None:
    """Do what is due of one source, for a quarter of a minute at most, then ring again if something is left."""
    try:
        organization = Organization.objects.filter(pk=organization_id).first()
        if organization is None or source not in EVERY:
            # The row this was said of was never committed, or a newer version reads more than this one.
            return
        # Where much is waiting to be read, a bell is not heard before it is too old.
        heartbeat.renew(WORKER)
        is_left = _run(organization, source)
    except (OperationalError, InterfaceError) as error:
        # The database went away, or gave up on a statement; the next try finds out which.
        log.warning("%s was interrupted by the database: %s", source, error)
        run_source.apply_async((organization_id, source), countdown=AGAIN_SECONDS)
        return
    if is_left:
        run_source.delay(organization_id, source)


def _run(organization: Organization, source: str) -> bool:
    """Run one source if it is due. Shape: whether something is left to do at once."""
    if not is_due(organization, source, clock.now()) or park_if_deadly(organization.pk, source):
        return False
    if not organization.is_read:
        return False
    label = organization.credential
    if source == usage.SOURCE and ledger_reprice.is_due():
        # A history that is being read hands on without a pause: between two of its runs is the time for it.
        repricing.reprice()
    began = clock.now()
    try:
        with client(label) as opened:
            connection = connect(opened, label)
            if connection.organization.pk != organization.pk:
                # Another organization's secret stands under that label now; this one's sources say so.
                return False
            heartbeat.renew(heartbeat.VENDOR)
            run = sync(connection, source, Order(seconds=SECONDS_A_TASK, paced=True))
    except (Busy, Waits):
        return False
    except (CannotConnect, UpstreamError) as error:
        log.error("%s cannot be read: %s", source, error)
        turned_away(organization, (source,), began, error)
        return False
    # Another source's run may have found an earlier beginning of history meanwhile.
    organization.refresh_from_db()
    return bool(run and run.outcome == run.Outcome.SUCCEEDED and is_due(organization, source, clock.now()))


@app.task(name="costwatch.ingest.tasks.reprice")
def reprice(**_: object) -> None:
    """Price every day again with the table in force."""
    repricing.reprice()
