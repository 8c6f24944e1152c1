"""The list of workspaces, the page of one, search and downloads."""

import csv
import io
import re
from urllib.parse import quote

import pytest
from django.test import Client

from costwatch.directory.colours import assign_slots
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ledger.dimensions import ReportedDims
from tests.conftest import Record
from tests.web.conftest import add_workspace, dollars, moment, text_of


def test_a_workspace_shows_its_figures_models_and_keys(page: Client) -> None:
    html = text_of(page.get("/workspaces/wrkspc_1/"))
    assert "$3,000" in html
    assert "Opus 5.5" in html
    assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;" in html
    assert "team: search" in html


def test_the_keys_of_a_workspace_sum_to_what_was_reported(page: Client) -> None:
    keys = text_of(page.get("/workspaces/wrkspc_1/")).split('id="h-keys"')[1]
    assert re.findall(r'value="([\d.]+)" data-source="split"', keys) == ["3000", "3000"]


def test_a_workspace_nobody_named_is_404(page: Client) -> None:
    assert page.get("/workspaces/wrkspc_99/").status_code == 404
    assert page.get("/workspaces/a%00b/").status_code == 404


@pytest.mark.parametrize("key", ["a/b", "ключ", "100%", "a b?c#d", "<b>", "..x", "'"])
def test_a_key_of_odd_characters_has_a_page(page: Client, ledger: Organization, key: str) -> None:
    add_workspace(ledger, key, "odd")
    assert page.get(f"/workspaces/{quote(key, safe='/')}/").status_code == 200
    link = re.search(r'href="(/workspaces/[^"]*)"[^>]*><bdi class="name">odd', text_of(page.get("/search/?q=odd")))
    assert link is None or page.get(link[1].replace("&#x27;", "'")).status_code == 200


def test_deceptive_and_empty_names_can_be_seen(page: Client, ledger: Organization) -> None:
    add_workspace(ledger, "wrkspc_x", "Prod\u202egpj.exe")
    add_workspace(ledger, "wrkspc_y", "  ")
    html = text_of(page.get("/search/?q="))
    assert "Prod\\u202egpj.exe" in html
    assert "(unnamed) wrkspc_y" in html


def test_a_very_long_name_is_clipped_and_whole_in_its_title(page: Client, ledger: Organization) -> None:
    add_workspace(ledger, "wrkspc_long", "x" * 10_000)
    html = text_of(page.get("/search/?q=xxx"))
    assert "x" * 47 + "…" in html
    assert html.count("x" * 3000) == 0


def test_search_finds_by_name_and_by_id(page: Client) -> None:
    assert "search-prod" in text_of(page.get("/search/?q=SEARCH"))
    assert "search-prod" in text_of(page.get("/search/?q=wrkspc_1"))
    assert "No workspace has this in its name." in text_of(page.get("/search/?q=zzz"))


def rows(page: Client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(page.get(address)))))


def test_the_workspaces_csv_has_exact_amounts(page: Client) -> None:
    found = rows(page, "/downloads/workspaces.csv")
    assert [(row["workspace_id"], row["reported_usd"]) for row in found] == [("wrkspc_1", "3000"), ("wrkspc_2", "600")]
    assert found[0]["since_contracted_low_usd"] == "2"
    assert found[0]["output_tokens"] == "150000"
    assert found[0]["price_version"].startswith("claude-")


def test_the_chart_csv_agrees_with_the_chart(page: Client) -> None:
    found = rows(page, "/downloads/spend.csv?breakdown=model&workspace=wrkspc_1")
    assert [(row["since"], row["series"], row["reported_usd"]) for row in found[:3]] == [
        ("2026-11-01", "Opus 5.5", "1000"),
        ("2026-11-02", "Opus 5.5", "1000"),
        ("2026-11-03", "Opus 5.5", "1000"),
    ]
    assert (found[3]["state"], found[3]["contracted_low_usd"]) == ("since", "2")
    assert (found[0]["until"], found[3]["since"], found[3]["until"]) == ("2026-11-02", "2026-11-20", "2026-11-21")


def test_a_csv_says_how_far_the_report_and_how_far_the_usage_goes(page: Client) -> None:
    found = rows(page, "/downloads/workspaces.csv")[0]
    assert found["reported_through"] == "2026-11-20T00:00:00Z"
    assert found["data_through"] == "2026-11-20T14:05:00Z"


def test_a_reported_line_without_a_model_has_its_cost_type_in_the_csv(
    page: Client, ledger: Organization, record_cost: Record
) -> None:
    searches = ReportedDims("wrkspc_1", "USD", "web_search", "", "", "", "", "")
    record_cost(moment(5), {searches: dollars(7)})
    found = rows(page, "/downloads/models.csv?workspace=wrkspc_1")
    assert [(row["model"], row["model_name"], row["cost_type"], row["reported_usd"]) for row in found] == [
        ("claude-opus-5-5", "Opus 5.5", "", "3000"),
        ("", "Web searches", "web_search", "7"),
    ]


def test_no_cell_of_a_download_runs_in_a_spreadsheet(page: Client, ledger: Organization) -> None:
    ApiKey.objects.update(name='=HYPERLINK("http://evil.example","x")')
    Workspace.objects.filter(key="wrkspc_1").update(name="+1+1")
    assert rows(page, "/downloads/keys.csv?workspace=wrkspc_1")[0]["name"].startswith("'=")
    assert rows(page, "/downloads/workspaces.csv")[0]["workspace_name"] == "'+1+1"


def test_a_download_of_an_unknown_workspace_is_404(page: Client) -> None:
    assert page.get("/downloads/models.csv?workspace=nobody").status_code == 404
    assert page.get("/downloads/models.csv?workspace=%00").status_code == 404


def test_colours_go_to_the_dearest_and_stay(ledger: Organization) -> None:
    for number in range(4, 10):
        add_workspace(ledger, f"wrkspc_{number}", f"w{number}")
    ranked = ["wrkspc_9", "wrkspc_1", "nobody", "wrkspc_8", "wrkspc_7", "wrkspc_6", "wrkspc_5", "wrkspc_4"]
    assert assign_slots(organization=ledger, ranked_keys=ranked) == 4
    slots = dict(Workspace.objects.exclude(slot=None).values_list("key", "slot"))
    assert slots == {"wrkspc_1": 1, "wrkspc_2": 2, "wrkspc_9": 3, "wrkspc_8": 4, "wrkspc_7": 5, "wrkspc_6": 6}
    assert assign_slots(organization=ledger, ranked_keys=ranked) == 0
