"""First connection and matching the Console."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage, Installation, Source
from costwatch.ledger.models import ConsoleFigure
from costwatch.web.console_form import ConsoleForm
from tests.web.conftest import PICO, text_of


@pytest.mark.parametrize("text", ["41,208.77", "$41,208.77", "41208.77", " $ 41208.77 "])
def test_a_figure_is_read_as_people_copy_it(text: str) -> None:
    form = ConsoleForm({"total": text})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["total"] == 41_208_770_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "1e5",
        "-5",
        "−5",
        "(5)",
        "٤١٢٠٨",
        "1" * 21,
        "4.1.2",
        "41,20",
        "0x10",
        "1 000",
        "12.345",
        "$",
        "Infinity",
        "99999999999",
        "<b>1</b>",
        "1\u200b2",
    ],
)
def test_what_is_no_figure_is_refused_with_a_sentence(text: str) -> None:
    form = ConsoleForm({"total": text})
    assert not form.is_valid()
    assert str(form.errors["total"][0]).endswith(".")


def test_there_is_no_field_for_the_key(page: Client) -> None:
    html = text_of(page.get("/set-up/"))
    assert "COSTWATCH_ADMIN_KEY_FILE" in html
    assert html.count('<input class="input') == 1


def test_a_closed_source_says_what_the_vendor_said(page: Client, ledger: Organization) -> None:
    Source.objects.create(organization=ledger, name="analytics", available=False, reason="not <open> to you")
    html = text_of(page.get("/set-up/"))
    assert "not &lt;open&gt; to you" in html
    assert "not open to this key" in html


def test_a_matching_figure_is_kept_with_who_and_when(page: Client) -> None:
    response = page.post("/set-up/", {"total": "2,800.00"}, follow=True)
    html = text_of(response)
    assert "$0.00, they match" in html
    kept = ConsoleFigure.objects.get()
    assert (kept.console, kept.cause, kept.entered_by) == (2800 * PICO, "match", "finance")
    assert "20 Nov 2026, 14:05 UTC" in html


@pytest.mark.parametrize(
    ("total", "sentence"),
    [
        ("2000", "That is what the workspace &lt;script&gt;alert(1)&lt;/script&gt; was reported at."),
        ("800", "That is what the workspace search-prod was reported at."),
        ("0", "That is what Tokens"),
        ("123.45", "No workspace, cost type or day explains it."),
    ],
)
def test_a_difference_has_a_name_and_advice(page: Client, total: str, sentence: str) -> None:
    html = text_of(page.post("/set-up/", {"total": total}, follow=True))
    assert "the Console shows" in html
    assert sentence.lower() in html.lower() or total == "0"


def test_a_wrong_figure_keeps_what_was_typed(page: Client) -> None:
    response = page.post("/set-up/", {"total": "1e5"})
    assert response.status_code == 400
    assert 'value="1e5"' in text_of(response)
    assert not ConsoleFigure.objects.exists()


def test_later_needs_a_post(page: Client, settings: Any) -> None:
    assert page.get("/set-up/later/").status_code == 405


@pytest.fixture
def nobody(client: Client, db: None, now: object) -> Client:
    """A browser of a signed-in person, before any organization is known."""
    client.force_login(User.objects.create_user("finance"))
    return client


def test_the_first_page_says_why_nobody_can_be_reached(nobody: Client) -> None:
    said = "401 authentication_error: invalid <x-api-key>\nMake an Admin key at the Console."
    Installation.objects.create(kind="real", anchor=clock.now(), connect_error=said)
    for path in ("/", "/workspaces/", "/set-up/", "/progress/?waits=1&seen="):
        html = text_of(nobody.get(path))
        assert "invalid &lt;x-api-key&gt;</p><p>Make an Admin key at the Console." in html, path
        assert "pill danger" in html
        assert "within a minute" not in html


def test_the_first_page_waits_and_loads_itself_anew_when_there_is_an_organization(nobody: Client) -> None:
    html = text_of(nobody.get("/"))
    assert "within a minute of the first connection" in html
    assert 'hx-get="/progress/"' in html
    assert nobody.get("/progress/?waits=1&seen=").status_code == 204
    assert "HX-Refresh" not in nobody.get("/progress/?waits=1")
    Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())
    assert nobody.get("/progress/?waits=1")["HX-Refresh"] == "true"


def test_a_page_shows_its_content_once_more_when_the_first_figures_are_there(page: Client) -> None:
    newest = Coverage.objects.filter(source="usage").order_by("-start").values_list("start")
    Coverage.objects.filter(source="usage", start__lte=newest[20][0]).delete()
    seen = "cost.cost-newest.cost-whole"
    same = page.get(f"/progress/?seen=usage.{seen}")
    assert f"usage.{seen}" in text_of(same)
    assert "HX-Trigger" not in same
    assert page.get(f"/progress/?seen={seen}")["HX-Trigger"] == "history-read"
    assert page.get("/progress/?seen=")["HX-Trigger"] == "history-read"


def test_an_organization_without_a_cost_report_is_not_asked_for_the_console(page: Client, ledger: Organization) -> None:
    Source.objects.filter(name="cost").update(available=False, reason="403: cost is <closed> to you")
    ledger.history_since = None
    ledger.save()
    html = text_of(page.get("/set-up/"))
    assert "no reported total to hold against the Console" in html
    assert "cost is &lt;closed&gt; to you" in html
    assert 'name="total"' not in html
    assert ", from ." not in html
    assert page.post("/set-up/", {"total": "5"}).status_code == 400
    assert not ConsoleFigure.objects.exists()


def test_a_difference_keeps_its_cents_and_what_was_typed_has_two_decimals(page: Client) -> None:
    html = text_of(page.post("/set-up/", {"total": "367,109.6"}, follow=True))
    assert "the Console shows $364,309.60 more" in html
    assert "typed $367,109.60 on" in html
    assert "we then had $2,800.00" in html
