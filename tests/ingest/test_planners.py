"""What is too old to be read again is counted, not looked at one by one; what is wrong there is found all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from costwatch.directory.models import Organization
from costwatch.ingest import planners
from costwatch.ingest.models import Coverage
from costwatch.ingest.planners import Buckets, by_age
from costwatch.ingest.sources import COST

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
SINCE = datetime(2025, 11, 20, tzinfo=UTC)
OLD = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.fixture
def year(organization: Organization) -> Buckets:
    """A year of days of the cost report, settled and read a moment ago."""
    Coverage.objects.bulk_create(
        Coverage(
            organization=organization,
            source="cost",
            start=SINCE + number * DAY,
            end=SINCE + (number + 1) * DAY,
            state="settled",
            digest=b"",
            first_read_at=NOW,
            last_read_at=NOW,
            changed_at=NOW,
            control_total_ok=True,
        )
        for number in range(366)
    )
    return Buckets(organization.pk, ("cost",), SINCE, COST.cadence, compares=True)


@pytest.mark.parametrize(
    ("wrong", "is_read"),
    [
        ({}, False),
        ({"state": "inconsistent"}, False),
        ({"state": "revised"}, False),
        ({"state": "revised", "control_total_ok": None}, True),
        ({"state": "open"}, True),
        (None, True),
    ],
    ids=["settled", "inconsistent", "revised", "revised, not proved", "open", "missing"],
)
def test_one_day_among_a_year_of_old_ones(
    year: Buckets, wrong: dict[str, Any] | None, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Coverage.objects.filter(start=OLD)
    _ = old.delete() if wrong is None else wrong and old.update(**wrong)
    found = by_age(year, NOW, None)
    assert [one.window.start for one in found if one.window.start < NOW - 100 * DAY] == [OLD] * is_read
    # And it is what looking at each of them finds.
    monkeypatch.setattr(planners, "_since", lambda asked, source, now: asked.since)
    assert by_age(year, NOW, None) == found
