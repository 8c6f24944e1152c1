"""Fetching a span again from the page, the proofs it shows, and the page of what changed since."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import again
from costwatch.ingest.agenda import is_due
from costwatch.ingest.connect import client as admin_client
from costwatch.ingest.connect import connect
from costwatch.ingest.models import Again, Check, Coverage, Part, Run, Source
from costwatch.ingest.order import Order
from costwatch.ingest.sync import sync
from costwatch.ledger.models import Fact
from costwatch.upstream.sandbox.server import SandboxServer
from tests.web.conftest import moment, text_of
from tests.web.test_health_page import AT, part, read, verdict, words

ASKED = {"source": "usage", "since": "2026-11-10", "until": "2026-11-12"}


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costwatch.web.bell.app.send_task", lambda *given, **options: None)


def test_a_span_is_asked_for_once_and_shown_waiting(page: Client, ledger: Organization) -> None:
    for _ in range(2):
        answer = page.post("/data-health/fetch-again/", ASKED)
        assert (answer.status_code, answer["Location"]) == (302, "/data-health/#fetch-again")
    one = Again.objects.get()
    assert (one.source, one.since, one.until) == ("usage", date(2026, 11, 10), date(2026, 11, 13))
    assert "Usage report, 10–12 Nov 2026 waiting or being read" in words(part(read(page), "fetch-again"))
    again.finish(one, None)
    assert "read 14:05 UTC" in words(part(read(page), "fetch-again"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"since": "", "until": ""}, "Give the first and the last day."),
        ({"since": "2026-11-12", "until": "2026-11-10"}, "The first day must be before the day it ends."),
        ({"since": "2026-10-01", "until": "2026-11-10"}, "At most 31 days at once"),
        ({"since": "2026-11-25", "until": "2026-11-26"}, "That has not happened yet."),
        ({"since": "2026-02-30", "until": "2026-11-26"}, "Enter a valid date."),
        ({"source": "invoices"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_fetched_again_is_said_and_nothing_is_asked_for(
    page: Client, ledger: Organization, given: dict[str, str], said: str
) -> None:
    page.post("/data-health/fetch-again/", ASKED | given)
    assert said in words(part(read(page), "fetch-again"))
    assert not Again.objects.exists()
    # It is said once.
    assert said not in words(part(read(page), "fetch-again"))


def test_a_page_that_is_only_looked_at_asks_for_nothing(page: Client) -> None:
    assert page.get("/data-health/fetch-again/").status_code == 405


def test_a_span_that_was_asked_for_is_due_is_read_and_is_done(upstream: SandboxServer, db: None, settings: Any) -> None:
    settings.BACKFILL_SINCE = "2026-11-18"
    with admin_client() as opened:
        connection = connect(opened)
        for source in ("directory", "usage"):
            sync(connection, source, Order())
        organization = connection.organization
        Source.objects.update(paused_until=clock.now() + timedelta(hours=1))
        assert not is_due(organization, "usage", clock.now())
        lost = Fact.objects.filter(bucket_start=datetime(2026, 11, 18, 9, tzinfo=UTC))
        count = lost.count()
        lost.delete()
        Coverage.objects.filter(start=datetime(2026, 11, 18, 9, tzinfo=UTC)).delete()
        again.ask(
            organization=organization, source="usage", since=date(2026, 11, 18), until=date(2026, 11, 19), by="admin"
        )
        assert is_due(organization, "usage", clock.now())
        sync(connection, "usage", Order(paced=True))
    assert lost.count() == count > 0
    one = Again.objects.get()
    assert (one.finished_at, one.run is None) == (clock.now(), False)
    assert not is_due(organization, "usage", clock.now())


def test_asking_once_more_ends_a_pause_that_came_meanwhile_and_a_run_that_failed_is_told(
    upstream: SandboxServer, db: None
) -> None:
    span = {"source": "cost", "since": date(2026, 11, 18), "until": date(2026, 11, 19), "by": "admin"}
    with admin_client() as opened:
        connection = connect(opened)
        organization = connection.organization
        for source in ("directory", "cost"):
            sync(connection, source, Order())
        again.ask(organization=organization, **span)
        upstream.faults.add("lost_token", path="cost_report", times=None)
        failed = sync(connection, "cost", Order(paced=True))
        assert failed is not None
        assert (failed.outcome, Again.objects.get().finished_at) == (Run.Outcome.FAILED, None)
        Source.objects.update(paused_until=clock.now() + timedelta(hours=1))
        again.ask(organization=organization, **span)
        assert Again.objects.count() == 1
        assert is_due(organization, "cost", clock.now())
        upstream.faults.clear()
        sync(connection, "cost", Order(paced=True))
    assert Again.objects.get().finished_at is not None


def test_lists_are_fetched_again_whole(upstream: SandboxServer, db: None) -> None:
    with admin_client() as opened:
        connection = connect(opened)
        sync(connection, "directory", Order())
        again.ask(organization=connection.organization, source="directory", since=None, until=None, by="admin")
        assert is_due(connection.organization, "directory", clock.now())
        sync(connection, "directory", Order())
    assert not is_due(connection.organization, "directory", clock.now())


def test_control_totals_and_proofs_are_shown_and_one_that_fails_is_the_verdict(
    page: Client, ledger: Organization
) -> None:
    Coverage.objects.filter(source="usage").update(control_total_ok=True)
    Check.objects.create(
        organization=ledger, name="facts", day=clock.today(), checked_at=clock.now(), ok=True, compared=9
    )
    html = read(page)
    assert verdict(html) == "Complete to 14:05 UTC; 0 gaps in 51 days; 1,215 of 1,215 hours match."
    assert "1,215 of 1,215 hours match" in part(html, "proofs")
    assert "9 compared, 14:05 UTC" in part(html, "proofs")
    Coverage.objects.filter(source="usage", start=moment(9)).update(control_total_ok=False)
    Check.objects.update(ok=False, detail="2026-11-09 7: (1, 2) and (1, 3)")
    html = read(page)
    assert verdict(html).startswith("Sums do not add up: found at 14:05 UTC; 0 gaps in ")
    assert "1,214 of 1,215 hours match" in verdict(html)
    problems = words(part(html, "problems"))
    assert "Sums do not add up" in problems
    assert "2026-11-09 7: (1, 2) and (1, 3)" in problems
    assert "Usage report: 1 total differs from the sum of its rows" in problems


def test_a_list_that_cannot_be_had_is_said_with_the_vendors_reason_and_is_no_problem(
    page: Client, ledger: Organization
) -> None:
    Part.objects.create(
        organization=ledger,
        source="directory",
        name="service_accounts",
        available=False,
        reason="403 permission_error: An OAuth token is needed. (request req_9)",
    )
    html = read(page)
    assert "Service accounts: not available" in part(html, "sources")
    assert "An OAuth token is needed." in part(html, "sources")
    assert 'id="problems" aria-labelledby="h-problems" hidden' in html


def test_the_page_of_changes_says_which_days_by_how_much_and_why(
    upstream: SandboxServer, db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(User.objects.create_user("admin"))

    def read_all() -> None:
        with admin_client() as opened:
            connection = connect(opened)
            for source in ("directory", "cost", "usage"):
                sync(connection, source, Order())

    read_all()
    empty = text_of(client.get(f"{AT}changes/"))
    assert verdict(empty) == "Nothing changed since 13 Nov, 14:05 UTC."
    upstream.restate(date(2026, 11, 17), change="up")
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T21:00:00Z")
    read_all()
    html = text_of(client.get(f"{AT}changes/"))
    assert verdict(html) == "1 day changed since 13 Nov, 21:00 UTC."
    rows = words(html.split("<tbody>")[1])
    assert "17 Nov 2026 Cost report" in rows
    assert "17 Nov 2026 Usage report" in rows
    assert "Read again by its age" in rows
    assert 'data-source="reported"' in html
    assert 'data-source="list"' in html
    assert client.get(f"{AT}changes/?seen_within=3").status_code == 400
