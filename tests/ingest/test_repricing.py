"""New prices while something else is at work: in the end every charge is of one table, and every sum is of its rows."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from costwatch.directory.models import Organization
from costwatch.ingest import cost, tasks, usage
from costwatch.ingest.lease import Busy, lease
from costwatch.ingest.models import Lease, Run, Source
from costwatch.ingest.order import Order
from costwatch.ingest.repricing import reprice
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger import prices as ledger_prices
from costwatch.ledger.models import StaleMonth
from costwatch.ledger.reprice import is_due
from costwatch.upstream.sandbox.server import SandboxServer
from tests.conftest import own_prices

from .conftest import Sync

SINCE, UNTIL = date(2026, 11, 6), date(2026, 11, 21)


def total(*grouping: str) -> tuple[str, int]:
    """What is charged: from rows as they are stored, or, divided by kinds, worked out anew."""
    asked = question(since=SINCE, until=UNTIL, interval="total", group_by=grouping)
    totals = report("spend", asked)["totals"]
    return totals["list_low_usd"], totals["unpriced_tokens"]


def test_mon_07_prices_that_change_while_a_run_is_at_work_are_applied_to_what_it_writes_too(
    run: Sync, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(own_prices("claude-lynx-1-preview"))
    record, days = usage.Recorder.record, []

    def meanwhile(self: Any, *given: Any) -> None:
        record(self, *given)
        days.append(1)
        if len(days) == 1:
            settings.PRICES_FILE = str(overlay)
            ledger_prices.publish()
            assert not reprice()

    monkeypatch.setattr(usage.Recorder, "record", meanwhile)
    run("directory", "cost", "usage")
    assert len(days) > 1
    assert is_due()
    assert total() != total("token_type", "cost_type")
    assert reprice()
    assert not is_due()
    assert total() == total("token_type", "cost_type")


def test_a_history_that_is_read_without_a_pause_is_priced_again_between_two_runs(
    upstream: SandboxServer, run: Sync, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.run_source, "delay", lambda *given: None)
    run("directory", "usage", order=Order(since=date(2026, 11, 18), until=date(2026, 11, 20)))
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(own_prices("claude-lynx-1-preview"))
    settings.PRICES_FILE = str(overlay)
    ledger_prices.publish()
    assert is_due()
    tasks.run_source(Organization.objects.get().pk, "usage")
    assert not is_due()
    assert total() == total("token_type", "cost_type")


def test_a_run_of_another_source_leaves_the_months_of_usage_alone(run: Sync) -> None:
    run("directory", "usage")
    organization = Organization.objects.get()
    StaleMonth.objects.create(organization=organization, month=date(2026, 11, 1))
    run("cost")
    assert StaleMonth.objects.exists()
    run("usage", order=Order(since=date(2026, 11, 19), until=date(2026, 11, 20)))
    assert not StaleMonth.objects.exists()


def test_tsk_03_whoever_was_taken_for_dead_says_nothing_about_the_source(
    run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes, its connection is gone, and its successor is at work."""
    run("directory")

    def wakes(self: Any, *given: Any) -> None:
        Lease.objects.update(holder="0123456789ab:7:1:quicker")
        Run.objects.filter(source="cost").update(outcome=Run.Outcome.ABANDONED)
        raise Busy("the connection was dropped")

    monkeypatch.setattr(cost.Recorder, "record", wakes)
    with pytest.raises(Busy):
        run("cost")
    assert Run.objects.get(source="cost").outcome == Run.Outcome.ABANDONED
    assert not Source.objects.filter(name="cost", failures__gt=0).exists()


def test_pricing_again_waits_for_nobody(run: Sync) -> None:
    run("directory")
    organization = Organization.objects.get()
    with lease(organization.pk, "usage"):
        assert not reprice()
    assert reprice()
