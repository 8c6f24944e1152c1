"""Matching the Console: a difference gets the name of what it is made of, or none."""

from datetime import UTC, datetime

import pytest

from costwatch.directory.models import Organization
from costwatch.insights.console import keep, last_month, name_difference
from costwatch.ledger.dimensions import ReportedDims, UsageDims
from tests.conftest import Record

PICO = 10**12
DAY = datetime(2026, 10, 14, tzinfo=UTC)
TOKENS = ReportedDims("default", "USD", "tokens", "output_tokens", "claude-opus-5-5", "standard")


@pytest.fixture
def october(organization: Organization, record: Record, record_cost: Record) -> Organization:
    """$100 of the default workspace, $30 of another, $7.50 of code execution, $20 of Priority usage beside."""
    record_cost(
        DAY,
        {
            TOKENS: (100 * PICO, "10000"),
            TOKENS._replace(workspace_id="wrkspc_1"): (30 * PICO, "3000"),
            ReportedDims("default", "USD", "code_execution"): (75 * PICO // 10, "750"),
        },
    )
    priority = UsageDims("key-1", "default", "claude-opus-5-5", "priority", "0-200k", "global", "standard")
    record(DAY, {priority: (0, 0, 0, 0, 1_000_000, 0)})
    return organization


@pytest.mark.parametrize(
    ("cents", "name"),
    [
        (0, "match"),
        (-3000, "workspace:wrkspc_1"),
        (-750, "cost_type:code_execution"),
        (3000, "unexplained"),
        (750, "unexplained"),
        (2000, "priority"),
        (-2000, "unexplained"),
        (-2950, "unexplained"),
    ],
)
def test_what_the_console_shows_less_may_be_a_part_and_what_it_shows_more_may_not(
    october: Organization, cents: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = last_month(october)
    # Every day of the month counts as read here: missing days would explain anything.
    whole = type(match)(match.period, 1375 * PICO // 10, 0, 0, None)
    assert name_difference(october, whole, 1375 * PICO // 10 + cents * PICO // 100) == name


def test_a_figure_is_kept_with_ours_of_that_moment(october: Organization) -> None:
    match = last_month(october)
    kept = keep(organization=october, month_of=match.period.since, console=1375 * PICO // 10, entered_by="ada")
    assert (kept.reported, kept.cause, kept.entered_by) == (match.reported, kept.cause, "ada")
    assert last_month(october).kept == kept
