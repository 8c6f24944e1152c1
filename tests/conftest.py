"""What tests share: frozen time, a sandbox organization, a connection to it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.db import transaction

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.dimensions import Counts, ReportedDims, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.record import Recorded, ReportedDay, UsageBucket, record_reported, record_usage
from costwatch.ledger.rollup import refresh_days, refresh_series_months
from costwatch.upstream.credential import VARIABLE
from costwatch.upstream.sandbox.server import SandboxServer
from tests.order import Together, rank
from tests.servers import Postgres, postgres

DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}
# No test is timed, and no example of one.
hypothesis.settings.register_profile("costwatch", deadline=None)
hypothesis.settings.load_profile("costwatch")
Record = Callable[..., Recorded]
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first. Strict runs may not leave anything out: a skip is a failure there."""
    items.sort(key=lambda item: rank(item.nodeid))
    if os.environ.get("COSTWATCH_TEST_STORE") == "1":
        # The second half is about another database: what asks none would only say the same again.
        items[:] = [item for item in items if DATABASE & set(getattr(item, "fixturenames", ()))]
    if os.environ.get("COSTWATCH_TEST_STRICT") != "1":
        return
    for item in items:
        for mark in item.iter_markers():
            if mark.name in ("skip", "skipif"):
                raise pytest.UsageError(f"{item.nodeid} is marked {mark.name}, which a strict run refuses")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """What runs together where tests run side by side; the order is that of the items."""
    config.option.loadscopereorder = False
    return Together(config, log)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Business time stands at 2026-11-20 14:05 UTC."""
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:05:00Z")
    return NOW


@pytest.fixture
def sandbox(now: datetime) -> Iterator[SandboxServer]:
    """The sandbox organization of that time."""
    with SandboxServer(anchor=now) as server:
        yield server


@pytest.fixture
def upstream(sandbox: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """The sandbox, configured as the upstream of this installation, read from 6 November on."""
    monkeypatch.setenv(VARIABLE, sandbox.admin_key)
    settings.UPSTREAM_URL = sandbox.url
    settings.BACKFILL_SINCE = "2026-11-06"
    return sandbox


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
            refresh_days(organization_id=organization.pk, days=[start.date()], prices=ledger_prices.publish())
        refresh_series_months(organization_id=organization.pk)
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


def own_prices(model: str) -> str:
    """An overlay with a model that no shipped table knows: $3 a million tokens of input, $15 of output."""
    return f"""
[[model]]
id = "{model}"
display_name = "Own 1"
family = "Claude"

[[entry]]
model = "{model}"
kind = "standard"
effective_from = 2026-03-01
batch = true
geo = true
source = "our contract"
checked = 2026-11-20
confidence = "high"
[entry.usd_per_mtok]
uncached_input_tokens = "3"
ephemeral_5m_input_tokens = "3.75"
ephemeral_1h_input_tokens = "6"
cache_read_input_tokens = "0.3"
output_tokens = "15"
"""


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that the servers' account may enter."""
    with tempfile.TemporaryDirectory(prefix="costwatch-servers-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="session")
def cluster(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL."""
    with postgres(folder) as server:
        assert server, "PostgreSQL's server programs are missing: apt-get install postgresql"
        yield server
