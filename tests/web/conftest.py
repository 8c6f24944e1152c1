"""A small ledger for pages: two workspaces, three days of November reported, the same days of October, usage today."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ingest.models import Coverage, Source
from costwatch.ledger.dimensions import ReportedDims, UsageDims
from tests.conftest import Record

PICO = 10**12
DAY = timedelta(days=1)
HOSTILE = "<script>alert(1)</script>"


def moment(day: int, month: int = 11, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def dollars(amount: int) -> tuple[int, str]:
    return amount * PICO, str(amount * 100)


def tokens(workspace: str, model: str, kind: str = "output_tokens") -> ReportedDims:
    return ReportedDims(workspace, "USD", "tokens", kind, model, "standard", "0-200k", "global")


def cover(organization: Organization, source: str, first: datetime, count: int, width: timedelta) -> None:
    Coverage.objects.bulk_create(
        Coverage(
            organization=organization,
            source=source,
            start=first + width * index,
            end=first + width * (index + 1),
            state="settled",
            digest=b"x" * 16,
            first_read_at=clock.now(),
            last_read_at=clock.now(),
            changed_at=clock.now(),
        )
        for index in range(count)
    )


def add_workspace(organization: Organization, key: str, name: str, slot: int | None = None) -> Workspace:
    return Workspace.objects.create(
        organization=organization,
        key=key,
        external_id=key,
        name=name,
        slot=slot,
        tags={"team": "search"},
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def ledger(organization: Organization, record: Record, record_cost: Record) -> Organization:
    """search-prod was reported at $3,000, the hostile one at $600; October's same days at $2,000 and $800."""
    organization.history_since = date(2026, 10, 1)
    organization.save()
    add_workspace(organization, "wrkspc_1", "search-prod", slot=1)
    add_workspace(organization, "wrkspc_2", HOSTILE, slot=2)
    add_workspace(organization, "wrkspc_3", "quiet")
    ApiKey.objects.create(
        organization=organization,
        external_id="key-1",
        name='"><img src=x onerror=alert(1)>',
        status="active",
        workspace_key="wrkspc_1",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    opus_lines = tokens("wrkspc_1", "claude-opus-5-5"), tokens("wrkspc_2", "claude-opus-5-5")
    for day in range(1, 4):
        record_cost(moment(day), {opus_lines[0]: dollars(1000), opus_lines[1]: dollars(200)})
    for day in range(4, 20):
        record_cost(moment(day), {opus_lines[0]: dollars(0)})
    record_cost(moment(2, 10), {opus_lines[0]: dollars(2000), opus_lines[1]: dollars(800)})
    # Opus 5.5 output is $20 a million: one dollar on the 2nd, two dollars today.
    opus = UsageDims("key-1", "wrkspc_1", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    record(moment(2), {opus: (0, 0, 0, 0, 50_000, 0)})
    record(moment(20, hour=9), {opus: (0, 0, 0, 0, 100_000, 0)})
    cover(organization, "cost", moment(1, 10), 51, DAY)
    cover(organization, "usage", moment(1, 10), 50 * 24 + 15, timedelta(hours=1))
    for name in ("cost", "usage"):
        Source.objects.create(organization=organization, name=name, last_success_at=clock.now())
    return organization


@pytest.fixture
def page(client: Client, ledger: Organization) -> Client:
    """A browser of a signed-in person, with the small ledger behind it."""
    client.force_login(User.objects.create_user("finance"))
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())
