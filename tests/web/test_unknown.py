"""What nobody knows is said in words: no zero for what is not reported, not read or has no price."""

import re

import pytest
from django.test import Client

from costwatch.directory.models import Organization, Workspace
from costwatch.ingest.models import Coverage, Source
from costwatch.ledger.dimensions import UsageDims
from tests.conftest import Record
from tests.web.conftest import cover, dollars, moment, text_of, tokens
from tests.web.test_overview import verdict, words
from tests.web.test_workspaces import rows

ZERO = re.compile(r'data-source="reported"[^>]*>(?:\+|−)?\$0<')


def tile(html: str, key: str) -> str:
    return html.split(f'data-tile="{key}"')[1].split('<div class="tile"')[0].split("</section>")[0]


def legend(html: str) -> list[str]:
    items = html.split('<ul class="legend">')[1].split("</ul>")[0].split("<li>")[1:]
    return [words(item.split('<span class="n">')[1]) for item in items if '<span class="n">' in item]


@pytest.fixture
def usage_only(page: Client, ledger: Organization) -> Client:
    """The small ledger behind a key that may not read the cost report; no workspace has a colour yet."""
    Source.objects.filter(name="cost").update(available=False, reason="403")
    Workspace.objects.update(slot=None)
    return page


def test_a_range_of_only_today_has_no_reported_amount_anywhere(page: Client) -> None:
    html = text_of(page.get("/?since=2026-11-20&until=2026-11-20"))
    assert verdict(html) == "20 Nov 2026: nothing reported yet, $2.00 at your rates so far."
    assert legend(html) == ["$2.00"]
    assert not ZERO.search(html)
    table = html.split('id="workspaces"')[1]
    assert re.findall(r'data-l="Reported"><span class="muted">([^<]+)<', table) == ["not known", "not known"]
    assert ZERO.search(text_of(page.get("/workspaces/wrkspc_1/?since=2026-11-20&until=2026-11-20"))) is None
    found = rows(page, "/downloads/workspaces.csv?since=2026-11-20&until=2026-11-20")[0]
    assert (found["reported_usd"], found["reported_through"]) == ("", "")
    assert (found["since_contracted_low_usd"], found["data_through"]) == ("2", "2026-11-20T14:05:00Z")


def test_usage_that_is_not_read_is_not_zero(page: Client) -> None:
    Coverage.objects.filter(source="usage").delete()
    html = text_of(page.get("/"))
    assert "not known" in tile(html, "since")
    assert "no usage is read yet" in tile(html, "since")
    found = rows(page, "/downloads/workspaces.csv")[0]
    assert (found["reported_usd"], found["since_contracted_low_usd"], found["data_through"]) == ("3000", "", "")


def test_days_before_the_history_are_not_read_and_not_nothing(page: Client) -> None:
    html = text_of(page.get("/?since=2026-08-01&until=2026-08-10"))
    assert verdict(html) == "1–10 Aug 2026: nothing is known yet."
    assert "10 days are not read yet and in no figure" in html
    assert html.count("This range is not read yet.") == 2
    assert "Nothing was reported or used" not in html


def test_a_gap_in_the_report_is_named_and_compared_with_nothing(page: Client) -> None:
    Coverage.objects.filter(source="cost", start=moment(2)).delete()
    html = text_of(page.get("/"))
    assert "1 day is not read yet and in no figure" in html
    assert 'data-tile="against"' not in html
    assert 'data-tile="forecast"' not in html


def test_tokens_without_a_price_make_every_figure_the_least_it_can_be(page: Client, record: Record) -> None:
    mystery = UsageDims("key-1", "wrkspc_1", "claude-mystery-9", "standard", "0-200k", "global", "standard")
    record(moment(20, hour=10), {mystery: (0, 0, 0, 0, 1_234_567, 0)})
    html = text_of(page.get("/"))
    assert "at least $2.00" in words(tile(html, "since"))
    assert "1,234,567 tokens have no price and are in no figure" in tile(html, "since")
    table = html.split('id="workspaces"')[1]
    assert [words(cell) for cell in re.findall(r'<td class="n range" data-l="Since then">(.*?)</td>', table)] == [
        "at least $2",
        "$0",
        "at least $2",
    ]
    found = rows(page, "/downloads/spend.csv?since=2026-11-20&until=2026-11-20&breakdown=model")
    assert [(row["contracted_low_usd"], row["unpriced_tokens"]) for row in found] == [("2", "0"), ("0", "1234567")]


def test_usage_of_which_no_token_has_a_price_is_words(page: Client, record: Record) -> None:
    mystery = UsageDims("key-1", "wrkspc_2", "claude-mystery-9", "standard", "0-200k", "global", "standard")
    record(moment(20, hour=10), {mystery: (0, 0, 0, 0, 1_234_567, 0)})
    since = tile(text_of(page.get("/workspaces/wrkspc_2/")), "since")
    assert "price unknown" in words(since.split('<div class="fig">')[1])
    assert "$0<" not in since


def test_with_a_usage_only_key_every_figure_is_at_your_rates(usage_only: Client) -> None:
    html = text_of(usage_only.get("/"))
    assert legend(html) == ["$3.00"]
    assert 'class="key f1"' in html.split('<ul class="legend">')[1]
    assert ">search-prod</bdi>" in html.split('<ul class="legend">')[1].split("</ul>")[0]
    assert not ZERO.search(html)
    assert 'data-source="reported"' not in html
    for wrong in ("Since then", "So far", "Not reported yet", "cover yet", 'class="b">Reported'):
        assert wrong not in html, wrong
    table = html.split('id="workspaces"')[1]
    assert words(table.split("<thead>")[1].split("</thead>")[0]) == "NameAt your rates"
    assert 'aria-sort="descending"' in table


def test_with_a_usage_only_key_a_workspace_shows_models_and_keys_at_your_rates(usage_only: Client) -> None:
    html = text_of(usage_only.get("/workspaces/wrkspc_1/"))
    assert 'data-source="reported"' not in html
    models, keys = html.split('id="h-models"')[1], html.split('id="h-keys"')[1]
    assert re.findall(r'data-l="At your rates"><data class="m" value="(\d+)"', models.split("<h2")[0]) == ["3", "3"]
    assert re.findall(r'data-l="At your rates"><data class="m" value="(\d+)"', keys) == ["3", "3"]
    assert "100.0 %" in models


def test_a_usage_only_key_is_not_asked_to_match_the_console(usage_only: Client, settings: object) -> None:
    settings.SANDBOX = False  # type: ignore[attr-defined]
    assert "Match the Console" not in text_of(usage_only.get("/"))


def test_use_without_a_key_has_no_status(page: Client, record: Record) -> None:
    console = UsageDims("console", "wrkspc_1", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    record(moment(2, hour=3), {console: (0, 0, 0, 0, 50_000, 0)})
    html = text_of(page.get("/workspaces/wrkspc_1/"))
    assert "No API key (Console, OAuth)" in html
    assert "(unnamed)" not in html


def test_the_comparison_says_how_many_days_each_side_has(page: Client) -> None:
    assert "1–19 Oct 2026: 19 days each." in tile(text_of(page.get("/")), "against")


def test_a_comparison_with_a_shorter_month_says_so(page: Client, ledger: Organization) -> None:
    cover(ledger, "cost", moment(1, 9), 30, moment(2) - moment(1))
    html = tile(text_of(page.get("/?range=last-month")), "against")
    assert "31 days here, 30 there, because the month before is shorter" in html


def test_a_comparison_in_another_year_names_it(page: Client, ledger: Organization) -> None:
    cover(ledger, "cost", moment(1, 1).replace(year=2025, month=12), 62, moment(2) - moment(1))
    html = tile(text_of(page.get("/?since=2026-01-01&until=2026-01-31")), "against")
    assert "Against 1–31 Dec 2025" in html


def test_a_long_range_is_compared_with_the_period_before_it(page: Client) -> None:
    long, short = text_of(page.get("/?range=last-90-days")), text_of(page.get("/?range=last-7-days"))
    assert "Four weeks before" not in long
    assert "Same days last month" not in long
    assert "Four weeks before" in short
    assert "Same days last month" in text_of(page.get("/"))


def test_parts_that_miss_the_total_by_rounding_are_explained(page: Client, record_cost: Record) -> None:
    note = "The amounts are rounded one by one and may miss the total"
    assert note not in text_of(page.get("/"))
    forty_cents = (400_000_000_000, "40")
    opus = "claude-opus-5-5"
    record_cost(moment(5), {tokens("wrkspc_1", opus): forty_cents, tokens("wrkspc_2", opus): forty_cents})
    html = text_of(page.get("/"))
    table = html.split('id="workspaces"')[1]
    shown = re.findall(r'data-l="Reported"><data [^>]*>([^<]+)<', table)
    assert shown == ["$3,000", "$600", "$3,601"]
    assert note in html


def test_on_the_first_day_of_a_month_the_sentence_has_the_forecast(
    page: Client, record_cost: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(4, 32):
        record_cost(moment(day, 10), {tokens("wrkspc_1", "claude-opus-5-5"): dollars(30)})
    Coverage.objects.filter(source="cost", start__gte=moment(1)).delete()
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-01T14:05:00Z")
    html = text_of(page.get("/"))
    # Every weekday cost $30 in each of the four weeks before: both ends of the range are the same.
    assert verdict(html) == "November: nothing reported yet, $3.00 at your rates so far, forecast about $900.00."
    assert "about $900.00" in words(tile(html, "forecast"))
