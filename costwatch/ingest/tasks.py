"""Celery's side of ingestion: ring the bell, take one source, do what the database says is due."""

import logging

from django.db.models import F

from costwatch import clock
from costwatch.celery import app
from costwatch.directory.models import Organization
from costwatch.ingest.connect import CannotConnect, client, connect
from costwatch.ingest.lease import Busy
from costwatch.ingest.models import Installation, Source
from costwatch.ingest.sync import SOURCES, Order, is_due, sync
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger import reprice as ledger_reprice
from costwatch.upstream.errors import UpstreamError

log = logging.getLogger(__name__)

# Below the soft time limit, so that a long backfill hands its lease on instead of being cut off.
SECONDS_A_TASK = 120.0


@app.task(name="costwatch.ingest.tasks.tick")
def tick() -> None:
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
    """Find out whose key we have, then tick."""
    try:
        with client() as opened:
            connect(opened)
    except (CannotConnect, UpstreamError) as error:
        log.error("cannot connect: %s", error)
        Installation.objects.update(connect_error=str(error))
        return
    Installation.objects.update(connect_error="")
    tick.delay()


@app.task(name="costwatch.ingest.tasks.run_source")
def run_source(organization_id: int, source: str, **_: object) -> None:
    """Do what is due of one source, for two minutes at most, then ring again if something is left."""
    organization = Organization.objects.get(pk=organization_id)
    if not is_due(organization, source, clock.now()):
        return
    try:
        with client() as opened:
            run = sync(connect(opened), source, Order(seconds=SECONDS_A_TASK))
    except Busy:
        return
    except (CannotConnect, UpstreamError) as error:
        log.error("%s cannot be read: %s", source, error)
        Source.objects.filter(organization=organization, name=source).update(
            last_error=str(error), last_error_at=clock.now(), failures=F("failures") + 1
        )
        return
    # Another source's run may have found an earlier beginning of history meanwhile.
    organization.refresh_from_db()
    if run and run.outcome == run.Outcome.SUCCEEDED and is_due(organization, source, clock.now()):
        run_source.delay(organization_id, source)


@app.task(name="costwatch.ingest.tasks.reprice")
def reprice() -> None:
    """Price every day again with the table in force."""
    for _ in ledger_reprice.reprice(ledger_prices.publish()):
        pass
