"""The Overview: its sentences, tiles, chart, table and notices."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage, Source
from costwatch.ledger.models import ConsoleFigure
from tests.web.conftest import HOSTILE, PICO, moment, text_of

TAGS = re.compile(r"<[^>]+>")


def words(html: str) -> str:
    return " ".join(TAGS.sub("", html).split())


def verdict(html: str) -> str:
    return words(html.split('<h1 class="verdict">')[1].split("</h1>")[0])


def test_the_page_opens_with_what_was_spent_what_it_will_come_to_and_why(page: Client) -> None:
    html = text_of(page.get("/"))
    assert verdict(html) == (
        "November: $3,600 reported to the 19th, forecast $3.6k–$6.6k. Up mainly because search-prod +$1k."
    )
    assert "19 of 30 days reported" in html
    assert "19 days settled, 1 open" in html or "20 days settled, 0 open" in html


def test_a_past_month_has_no_forecast_and_nothing_since(page: Client) -> None:
    html = text_of(page.get("/?range=last-month"))
    assert verdict(html) == "October: $2,800 reported."
    assert 'data-tile="forecast"' not in html
    assert 'data-tile="since"' not in html


def test_a_custom_range_names_its_days(page: Client) -> None:
    html = text_of(page.get("/?since=2026-11-01&until=2026-11-03&compare=none"))
    assert verdict(html) == "1–3 Nov 2026: $3,600 reported."


def test_days_that_were_not_read_are_not_compared_with(page: Client) -> None:
    html = text_of(page.get("/?range=last-month&compare=same_days"))
    assert 'data-tile="against"' not in html


def test_falling_spend_says_why(page: Client) -> None:
    html = text_of(page.get("/?since=2026-11-03&until=2026-11-04&compare=previous"))
    assert verdict(html) == "3–4 Nov 2026: $1,200 reported. Down mainly because search-prod −$1k."


def test_mon_13_every_tile_has_one_source_and_reported_never_meets_our_own_figures(page: Client) -> None:
    html = text_of(page.get("/"))
    tiles = html.split('data-tile="')[1:]
    found = {}
    for tile in tiles:
        body = tile.split('<div class="viz">')[0]
        found[tile.split('"')[0]] = set(re.findall(r'data-source="(\w+)"', body))
    assert found == {
        "reported": {"reported"},
        "since": {"contracted"},
        "forecast": {"forecast"},
        "against": {"reported"},
    }


def test_money_nodes_carry_the_exact_value(page: Client) -> None:
    html = text_of(page.get("/"))
    assert '<data class="m" value="3600" data-source="reported" title="$3,600 exactly">$3,600</data>' in html


def test_usage_after_the_report_is_valued_at_your_rates(page: Client) -> None:
    html = text_of(page.get("/"))
    since = html.split('data-tile="since"')[1].split('data-tile="')[0]
    assert 'value="2" data-source="contracted"' in since
    assert "to 14:05 UTC" in since


def test_the_table_sums_to_the_tile(page: Client) -> None:
    html = text_of(page.get("/"))
    table = html.split('id="workspaces"')[1]
    amounts = re.findall(r'data-l="Reported"><data class="m(?: zero)?" value="(\d+)"', table)
    assert amounts == ["3000", "600", "3600"]


@pytest.mark.parametrize(
    ("sort", "first"), [("name", "script"), ("-name", "search"), ("reported", "script"), ("-reported", "search")]
)
def test_the_table_sorts_by_the_address(page: Client, sort: str, first: str) -> None:
    body = text_of(page.get(f"/?sort={sort}")).split('id="workspaces"')[1].split("<tbody>")[1]
    assert first in body.split("</tr>")[0]


def test_a_name_that_is_a_script_is_text_everywhere(page: Client) -> None:
    html = text_of(page.get("/"))
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_chart_of_the_browser_agrees_with_the_table_and_escapes_names(page: Client) -> None:
    html = text_of(page.get("/"))
    raw = html.split('<script id="spend-figure" type="application/json">')[1].split("</script>")[0]
    figure = json.loads(raw)
    assert [trace["name"] for trace in figure["traces"]] == ["search-prod", "&lt;script&gt;alert(1)&lt;/script&gt;"]
    assert figure["traces"][0]["reported"][:4] == [1000.0, 1000.0, 1000.0, None]
    assert figure["traces"][0]["since"][19] == 2.0
    assert figure["tips"][0]["reported"] == "$1,200"
    assert figure["tips"][0]["rows"][0][:4] == ["search-prod", 1, "$1,000", "83.3 %"]


def test_a_swap_of_the_chart_brings_that_panel_alone(page: Client) -> None:
    html = text_of(page.get("/?breakdown=model", headers={"HX-Request": "true", "HX-Target": "spend"}))
    assert html.lstrip().startswith('<section class="panel" id="spend"')
    assert "Opus 5.5" in html
    assert "<html" not in html


@pytest.mark.parametrize(
    "query",
    [
        "range=never",
        "since=2026-11-05&until=2026-11-01",
        "since=x&until=y",
        "since=2020-01-01&until=2026-01-01",
        "compare=__class__",
        "breakdown=organization__name",
        "organization=nobody",
        "organization=%00",
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_400_and_the_reason(page: Client, query: str) -> None:
    response = page.get(f"/?{query}")
    assert response.status_code == 400
    assert "This cannot be shown" in text_of(response)


@pytest.mark.parametrize("sort", ["-password", "--name", "value"])
def test_an_unknown_order_is_answered_with_400_and_the_reason(page: Client, sort: str) -> None:
    response = page.get(f"/?sort={sort}")
    assert response.status_code == 400
    assert "the order is one of" in text_of(response)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["", "descending", "", "", ""]),
        ("?sort=reported", ["", "ascending", "", "", ""]),
        ("?sort=name", ["ascending", "", "", "", ""]),
        ("?sort=-since", ["", "", "", "descending", ""]),
        ("?range=last-month&sort=-since", ["", "descending"]),
    ],
)
def test_the_head_of_the_column_in_order_says_so(page: Client, query: str, order: list[str]) -> None:
    head = text_of(page.get(f"/{query}")).split('id="workspaces"')[1].split("</thead>")[0]
    cells = [cell for cell in head.split("<th ")[1:] if "#workspaces" in cell]
    assert [found[1] if (found := re.search(r'aria-sort="(\w+)"', cell)) else "" for cell in cells] == order


def test_before_the_first_read_the_page_says_so(client: Client, admin_user: Any, now: Any) -> None:
    client.force_login(admin_user)
    assert "Nothing is read yet." in text_of(client.get("/"))


def test_without_the_cost_report_everything_is_at_your_rates(page: Client, ledger: Organization) -> None:
    Source.objects.filter(name="cost").update(available=False, reason="403")
    html = text_of(page.get("/"))
    assert verdict(html) == "November: $3.00 at your rates. This key may not read the cost report."
    assert 'data-tile="reported"' not in html
    assert 'data-source="reported"' not in html.split('class="strip')[1].split("</section>")[0]


def test_when_nothing_is_reported_yet_it_says_that(page: Client, ledger: Organization) -> None:
    Coverage.objects.filter(source="cost", start__gte=moment(1)).delete()
    html = text_of(page.get("/"))
    assert verdict(html) == "November: nothing reported yet, $3.00 at your rates so far."


def test_too_little_history_gives_no_forecast_and_says_so(page: Client, ledger: Organization) -> None:
    Coverage.objects.filter(source="cost").exclude(start__range=(moment(1), moment(3))).delete()
    html = text_of(page.get("/"))
    assert "A forecast needs seven days of history." in html


def test_while_history_is_read_a_bar_polls_itself(page: Client, ledger: Organization) -> None:
    Coverage.objects.filter(source="usage", start__lt=moment(10, 10)).delete()
    html = text_of(page.get("/"))
    assert 'hx-trigger="every 2s"' in html
    assert "Reading history, " in html
    fragment = page.get("/progress/")
    assert 'hx-swap-oob="true"' in text_of(fragment)
    assert "HX-Trigger" not in fragment


def test_when_the_history_is_read_the_page_is_told_once(page: Client) -> None:
    fragment = page.get("/progress/")
    assert fragment["HX-Trigger"] == "history-read"
    assert "<progress" not in text_of(fragment)


def test_ing_19_a_late_source_turns_the_pill_amber_and_a_failing_one_red(page: Client, ledger: Organization) -> None:
    assert 'class="pill ok"' in text_of(page.get("/"))
    Coverage.objects.filter(source="usage", start__gte=moment(20, hour=13)).delete()
    Organization.objects.update(history_since="2026-11-20")
    Coverage.objects.filter(source="usage").update(last_read_at=moment(20, hour=13))
    assert 'class="pill danger"' not in text_of(page.get("/"))
    Source.objects.filter(name="usage").update(failures=3, last_error="401: the key was refused\nmore")
    html = text_of(page.get("/"))
    assert 'class="pill danger"' in html
    assert "Stopped at 14:05 UTC" in html
    assert "401: the key was refused" in html


def test_a_real_organization_is_asked_to_match_the_console_until_it_did(
    page: Client, ledger: Any, settings: Any
) -> None:
    settings.SANDBOX = False
    assert "Match the Console" in text_of(page.get("/"))
    assert "Sandbox: these are invented numbers." not in text_of(page.get("/"))
    page.post("/set-up/later/")
    assert "Match the Console" not in text_of(page.get("/"))
    page.session.flush()
    ConsoleFigure.objects.create(
        organization=ledger,
        month="2026-10-01",
        console=2800 * PICO,
        reported=2800 * PICO,
        cause="match",
        entered_by="x",
        entered_at=clock.now(),
    )


def test_the_sandbox_says_so_on_every_page(page: Client) -> None:
    for address in ("/", "/workspaces/", "/workspaces/wrkspc_1/", "/set-up/"):
        html = text_of(page.get(address))
        assert "Sandbox: these are invented numbers. Nothing here was spent." in html, address


def test_several_organizations_make_a_menu_and_the_address_names_one(page: Client) -> None:
    assert 'aria-label="Organizations"' not in text_of(page.get("/"))
    Organization.objects.create(external_id="org-2", name="Second & Sons", created_at=clock.now())
    html = text_of(page.get("/"))
    assert "Second &amp; Sons" in html
    assert "?organization=org-2" in html
    other = text_of(page.get("/?organization=org-2"))
    assert "search-prod" not in other
    assert "$3,600" not in other


def test_no_page_has_an_inline_script_or_style(page: Client) -> None:
    for address in ("/", "/workspaces/", "/workspaces/wrkspc_1/", "/set-up/", "/nothing-here/", "/?range=x"):
        html = text_of(page.get(address))
        assert " style=" not in html, address
        assert not re.search(r"\son\w+=", re.sub(r"&[^;]+;", "", html).replace("onerror=alert", "")), address
        scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", html)
        assert scripts == [], address


def test_pages_are_never_kept_by_a_cache(page: Client) -> None:
    assert page.get("/")["Cache-Control"] == "no-store"
