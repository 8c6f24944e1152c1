"""Windows follow the organization's size: what is read at once stays comfortable, for three keys and for thousands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from costwatch.directory.models import Organization
from costwatch.ingest import weight
from costwatch.ingest.coverage import Owner, Read, keep
from costwatch.ingest.models import Run
from costwatch.ingest.plan import Why, windows
from costwatch.ingest.sources import USAGE
from costwatch.ledger.dimensions import UsageDims
from costwatch.ledger.models import Fact
from costwatch.upstream.pages import COMFORTABLE_BYTES
from costwatch.upstream.sandbox.server import SandboxServer
from tests.conftest import Record

from .conftest import Sync

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rows", "buckets"), [(0, 168), (50, 168), (181, 168), (182, 144), (1000, 24), (1300, 23), (40_000, 1)]
)
def test_a_window_holds_whole_days_of_small_organizations_and_hours_of_large_ones(rows: int, buckets: int) -> None:
    assert weight.fitting(rows, USAGE.cadence.most) == buckets
    assert buckets == 1 or buckets * rows * weight.BYTES_A_ROW <= COMFORTABLE_BYTES


def test_windows_of_a_day_end_at_midnight() -> None:
    hours = {MIDNIGHT + 14 * HOUR - hour * HOUR: Why.MISSING for hour in range(14 + 48)}
    made = [one.window for one in windows(hours, USAGE.cadence, lambda _: weight.fitting(1000, USAGE.cadence.most))]
    assert [(one.start.hour, (one.end - one.start) // HOUR) for one in made] == [(0, 15), (0, 24), (1, 23)]


def test_the_newest_day_of_the_ledger_tells_how_many_rows_an_hour_has(
    organization: Organization, record: Record
) -> None:
    assert weight.rows_an_hour(organization.pk) is None
    keys = [UsageDims(f"key-{n}", "default", "claude-opus-5-5", "standard", "", "global", "") for n in range(12)]
    for hour in range(4):
        record(MIDNIGHT + hour * HOUR, dict.fromkeys(keys, (1, 0, 0, 0, 1, 0)))
    record(MIDNIGHT - 30 * HOUR, {keys[0]: (1, 0, 0, 0, 1, 0)})
    # Facts without books are another's, or of a run that is not over.
    assert weight.rows_an_hour(organization.pk) is None
    reads = [Read(MIDNIGHT + hour * HOUR, MIDNIGHT + (hour + 1) * HOUR, b"a" * 16) for hour in range(-30, 4)]
    keep(owner=Owner(organization.pk, "usage"), reads=reads, before={}, changed=(), run=1, now=MIDNIGHT + 5 * HOUR)
    assert weight.rows_an_hour(organization.pk) == 2


def test_a_long_history_is_weighed_before_it_is_read(
    run: Sync, upstream: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the vendor says of one day sets the windows of the first run; the ledger sets those of the next."""
    settings.BACKFILL_SINCE = "2026-10-12"
    monkeypatch.setattr(weight, "COMFORTABLE_BYTES", 48 * 30 * weight.BYTES_A_ROW)
    first = run("directory", "usage")["usage"]
    assert first is not None
    assert first.outcome == Run.Outcome.SUCCEEDED
    rows = Fact.objects.filter(bucket_start__gte=MIDNIGHT - 24 * HOUR, bucket_start__lt=MIDNIGHT).count() / 24
    assert rows > 30
    assert first.windows_planned >= 37 * 24 // 48 + 1
    assert first.windows_done == first.windows_planned
