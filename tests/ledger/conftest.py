"""A ledger with one organization and a way to write facts into it."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.dimensions import Counts, ReportedDims, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.record import Recorded, ReportedDay, UsageBucket, record_reported, record_usage
from costwatch.ledger.rollup import refresh_days, refresh_series_months

Record = Callable[..., Recorded]


@pytest.fixture
def organization(db: None, now: datetime) -> Organization:
    """Example Inc."""
    return Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())


@pytest.fixture
def record(organization: Organization) -> Record:
    """Record the facts of one hour, as ingestion does."""

    def once(start: datetime, facts: dict[UsageDims, Counts], *, revises: bool = False) -> Recorded:
        interned = Interned(organization.pk)
        interned.usage(facts)
        with transaction.atomic():
            made = record_usage(
                interned=interned, buckets=[UsageBucket(start, facts, revises)], run=1, seen_at=clock.now()
            )
            refresh_days(organization_id=organization.pk, days=[start.date()], prices=ledger_prices.current())
            refresh_series_months(organization_id=organization.pk, days=[start.date()])
        return made

    return once


@pytest.fixture
def record_cost(organization: Organization) -> Record:
    """Record the cost lines of one day, as ingestion does."""

    def once(start: datetime, lines: dict[ReportedDims, tuple[int, str]], *, revises: bool = False) -> Recorded:
        interned = Interned(organization.pk)
        interned.reported(lines)
        with transaction.atomic():
            return record_reported(
                interned=interned, days=[ReportedDay(start.date(), lines, revises)], run=1, seen_at=clock.now()
            )

    return once
