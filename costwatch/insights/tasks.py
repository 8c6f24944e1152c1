"""Celery's side of insights: the nightly proof."""

import logging
from datetime import timedelta

from costwatch import clock
from costwatch.celery import app
from costwatch.directory.models import Organization
from costwatch.ingest import slots
from costwatch.ingest.models import Check
from costwatch.ingest.progress import progress
from costwatch.insights.conservation import prove as prove_all

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=15)


@app.task(name="costwatch.insights.tasks.prove")
def prove(**_: object) -> None:
    """Prove once a day, for every organization whose history is read, that what is shown is what was recorded."""
    if not slots.claim("prove", EVERY):
        return
    now = clock.now()
    for organization in Organization.objects.order_by("pk"):
        is_proved = Check.objects.filter(organization=organization, day=now.date()).exists()
        if not is_proved and progress(organization).is_done:
            prove_all(organization, now)
