"""What needs attention: each finding, from the rows that cause it."""

from datetime import UTC, date, datetime

from django.db import connection

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage, Quarantined, Source
from costwatch.insights.amounts import Scope
from costwatch.insights.attention import Finding, findings
from costwatch.insights.periods import month
from costwatch.ledger.dimensions import ReportedDims, UsageDims
from tests.conftest import Record

PICO = 10**12
OPUS = UsageDims("key-1", "default", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
TOKENS = ReportedDims("default", "USD", "tokens", "output_tokens", "claude-opus-5-5", "standard")
HOUR = datetime(2026, 11, 12, 5, tzinfo=UTC)


def found(organization: Organization) -> dict[str, Finding]:
    return {one.kind: one for one in findings(Scope(organization), month(date(2026, 11, 12)))}


def settle(organization: Organization) -> None:
    day = clock.midnight(HOUR.date())
    Coverage.objects.create(
        organization=organization,
        source="cost",
        start=day,
        end=day + clock.DAY,
        state="settled",
        digest=b"x" * 16,
        first_read_at=clock.now(),
        last_read_at=clock.now(),
        changed_at=clock.now(),
    )


def test_mon_02_a_settled_day_that_is_a_hundredfold_off_raises_an_alarm(
    organization: Organization, record: Record, record_cost: Record
) -> None:
    # 1,000,000 output tokens of Opus 5.5 are $20; the report says 2,000 cents.
    record(HOUR, {OPUS: (0, 0, 0, 0, 1_000_000, 0)})
    record_cost(HOUR, {TOKENS: (20 * PICO, "2000")})
    settle(organization)
    assert "implausible" not in found(organization)
    for wrong in (20 * PICO * 100, 20 * PICO // 100, 41 * PICO):
        record_cost(HOUR, {TOKENS: (wrong, "2000")})
        alarm = found(organization)["implausible"]
        assert (alarm.level, alarm.amount, alarm.day) == ("danger", 1, date(2026, 11, 12))


def test_mon_02_priority_usage_and_code_execution_raise_no_alarm(
    organization: Organization, record: Record, record_cost: Record
) -> None:
    record(HOUR, {OPUS: (0, 0, 0, 0, 1_000_000, 0), OPUS._replace(service_tier="priority"): (0, 0, 0, 0, 10**8, 0)})
    record_cost(HOUR, {TOKENS: (20 * PICO, "2000"), ReportedDims("default", "USD", "code_execution"): (500 * PICO, "")})
    settle(organization)
    assert "implausible" not in found(organization)


def test_mon_06_tokens_without_a_price_are_a_finding(organization: Organization, record: Record) -> None:
    record(HOUR, {OPUS._replace(model="claude-next"): (5, 0, 0, 0, 7, 0)})
    one = found(organization)["unpriced"]
    assert (one.level, one.subject, one.amount) == ("warn", "claude-next", 12)


def test_ing_14_a_charge_that_was_held_back_is_a_finding(organization: Organization, record: Record) -> None:
    record(HOUR, {OPUS: (10**15, 0, 0, 0, 0, 0)})
    assert ("held_back" in found(organization)) is (connection.vendor == "sqlite")


def test_a_model_that_retires_soon_and_is_still_used_is_a_finding(
    organization: Organization, record_cost: Record
) -> None:
    record_cost(HOUR, {TOKENS._replace(model="claude-sonnet-4-5-20250929"): (7 * PICO, "700")})
    one = found(organization)["retiring"]
    assert (one.subject, one.amount, one.day) == ("Sonnet 4.5", 7 * PICO, date(2026, 11, 30))


def test_another_currency_is_a_finding_and_in_no_sum(organization: Organization, record_cost: Record) -> None:
    record_cost(HOUR, {TOKENS._replace(currency="EUR"): (7 * PICO, "700")})
    assert (found(organization)["other_currency"].subject, found(organization)["other_currency"].amount) == (
        "EUR",
        7 * PICO,
    )


def test_a_failing_source_and_rows_set_aside_are_findings(organization: Organization) -> None:
    Source.objects.create(organization=organization, name="usage", failures=3, last_error="529 overloaded")
    Source.objects.create(organization=organization, name="cost", available=False, reason="403 no")
    Quarantined.objects.create(
        organization=organization, source="usage", bucket_start=HOUR, reason="bad", raw="{}", seen_at=clock.now(), run=1
    )
    kinds = found(organization)
    assert kinds["source_failing"].detail == "529 overloaded"
    assert kinds["source_closed"].detail == "403 no"
    assert kinds["set_aside"].amount == 1
    assert found(organization).keys() >= {"source_failing", "source_closed", "set_aside"}
