"""The Data health page: the verdict, only what is wrong, the calendar, sources, the run log, what is new upstream."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.models import Coverage, Heartbeat, Novelty, Quarantined, Run, Source
from costwatch.insights.coverage_calendar import calendar
from costwatch.insights.health import sources
from costwatch.web.health_words import lead, length, span
from tests.web.conftest import HOSTILE, moment, text_of

TAGS = re.compile(r"<[^>]+>")
REFUSED = "the run: 401 authentication_error: API key is disabled. (request req_011CQ8m2)"
AT = "/data-health/"


def words(html: str) -> str:
    return " ".join(TAGS.sub(" ", html).split()).replace(" :", ":").replace(" ;", ";").replace(" .", ".")


def part(html: str, name: str) -> str:
    return html.split(f'id="{name}"')[1].split("</section>")[0]


def verdict(html: str) -> str:
    return words(html.split('<h1 class="verdict">')[1].split("</h1>")[0])


def read(page: Client, query: str = "") -> str:
    response = page.get(AT + query)
    assert response.status_code == 200
    return text_of(response)


def test_a_healthy_organization_is_one_sentence_and_no_list_of_problems(page: Client) -> None:
    html = read(page)
    assert verdict(html) == "Complete to 14:05 UTC; 0 gaps in 51 days."
    assert "1,215 hours of usage settled, 0 open" in html
    assert "Cost report whole to 19 Nov" in html
    assert 'id="problems" aria-labelledby="h-problems" hidden' in html
    assert 'id="backfill" aria-labelledby="h-backfill" hidden' in html


def test_a_refused_key_is_the_verdict_with_the_vendors_sentence_the_request_and_what_to_do(page: Client) -> None:
    since = clock.now() - timedelta(hours=2, minutes=45)
    again = clock.now() + timedelta(minutes=10)
    Source.objects.update(failures=4, last_error=REFUSED, last_success_at=since, paused_until=again)
    Coverage.objects.filter(source="usage", start__gte=moment(20, hour=12)).delete()
    html = read(page)
    assert verdict(html) == (
        "Stopped at 11:20 UTC: the Admin key is refused: API key is disabled; no gap before that in 51 days."
    )
    problems = part(html, "problems")
    assert problems.count("<tr data-kind") == 1
    for said in ("2 sources cannot be read", "11:20 UTC", "req_011CQ8m2", "Put a new Admin key", "Next try 14:15 UTC."):
        assert said in problems
    assert "Figures after that are missing, not zero" in html
    assert '<td class="missing"><a href="#day-2026-11-20"' in html


def test_gaps_inconsistent_hours_and_rows_set_aside_are_counted_and_listed(page: Client, ledger: Organization) -> None:
    usage = Coverage.objects.filter(source="usage")
    usage.filter(start__gte=moment(13, hour=22), start__lt=moment(14, hour=3)).delete()
    usage.filter(start=moment(9)).update(state="inconsistent")
    Quarantined.objects.create(
        organization=ledger,
        source="usage",
        bucket_start=moment(9),
        reason="output_tokens is -3",
        raw='{"model": "<b>"}',
        seen_at=clock.now(),
        run=1,
    )
    html = read(page)
    assert verdict(html) == "Complete to 14:05 UTC; 1 gap of 5 h in 51 days; 1 hour does not add up; 1 row set aside."
    problems = words(part(html, "problems"))
    assert "Usage report: 5 h missing 13 Nov, 22:00 – 14 Nov, 03:00 UTC" in problems
    assert "9 Nov, 00:00–01:00 UTC" in problems
    aside = part(html, "aside")
    assert "output_tokens is -3" in aside
    assert "&quot;&lt;b&gt;&quot;" in aside


def test_tsk_06_a_silent_scheduler_is_the_verdict(page: Client) -> None:
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    assert verdict(read(page)).startswith("Complete to 14:05 UTC")
    Heartbeat.objects.update(at=moment(20, hour=13))
    html = read(page)
    assert verdict(html) == "Stopped at 13:00 UTC: the scheduler is silent; no gap before that in 51 days."
    assert "Restart it (beat, or make run)" in part(html, "problems")
    # On every other page the pill says so.
    pill = page.get("/").content.decode().partition('class="pill danger"')[2]
    assert "Stopped at 13:00 UTC" in pill[:600]


def test_tsk_06_a_scheduler_is_given_up_only_where_something_else_reads_for_days(page: Client) -> None:
    def read_on(day: int) -> None:
        organization = Organization.objects.get()
        at = moment(day, hour=13)
        Run.objects.create(organization=organization, source="cost", outcome="succeeded", started_at=at, finished_at=at)

    for role in ("beat", "worker"):
        heartbeat.renew(role)
    Heartbeat.objects.update(at=moment(16, hour=13))
    Run.objects.all().delete()
    # One who looks what is wrong, and on the next day again.
    for day in (18, 19):
        read_on(day)
        assert verdict(read(page)).startswith("Stopped at 16 Nov, 13:00 UTC: the scheduler is silent")
    read_on(20)
    assert verdict(read(page)).startswith("Complete to 14:05 UTC")
    assert "Stopped" not in page.get("/").content.decode()
    # And it ends.
    Run.objects.filter(finished_at__gte=moment(19)).update(finished_at=moment(18, hour=15))
    assert verdict(read(page)).startswith("Stopped at 16 Nov, 13:00 UTC")


def test_of_two_stops_the_first_is_the_verdict(page: Client) -> None:
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    Heartbeat.objects.update(at=moment(20, hour=13))
    Source.objects.filter(name="cost").update(
        failures=4, last_error="the run: 500 api_error: no", last_success_at=moment(20, hour=11)
    )
    html = read(page)
    assert verdict(html).startswith("Stopped at 11:00 UTC: Cost report cannot be read: 500 api_error: no;")
    assert part(html, "problems").count("<tr data-kind") == 2


def test_behind_what_is_late_everything_is_missing_so_gaps_are_those_before(page: Client) -> None:
    organization = Organization.objects.get()
    cover = calendar(organization)
    found = [replace(one, state="late") if one.source == "usage" else one for one in sources(organization, cover)]
    said = str(lead(found, [], cover, None).verdict)
    assert "Late" in said
    assert "no gap before that in 51 days" in said
    assert "0 gaps" not in said


def test_what_fails_beside_usage_and_cost_stops_nothing(page: Client) -> None:
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    organization = Organization.objects.get()
    Source.objects.update_or_create(
        organization=organization,
        name="claude_code",
        defaults={"failures": 4, "last_error": "the run: 500 api_error: no", "last_success_at": None},
    )
    assert verdict(read(page)).startswith(
        "Complete to 14:05 UTC , but Claude Code cannot be read: 500 api_error: no; 0 gaps in 51 days"
    )
    # A stop of usage or cost is told first, whenever it came.
    Source.objects.filter(name="cost").update(
        failures=4, last_error="the run: 500 api_error: no", last_success_at=moment(20, hour=11)
    )
    assert verdict(read(page)).startswith("Stopped at 11:00 UTC: Cost report")


def test_a_source_closed_to_the_key_says_the_vendors_reason_and_spoils_nothing(page: Client) -> None:
    Source.objects.filter(name="cost").update(available=False, reason="403 permission_error: not yours. (request r_1)")
    html = read(page)
    assert verdict(html) == "Complete to 14:05 UTC; 0 gaps in 51 days."
    assert "403 permission_error: not yours." in part(html, "problems")
    assert "Not open to this key" in part(html, "sources")


def test_a_source_that_the_organization_does_not_have_is_nothing_a_key_could_mend(page: Client) -> None:
    Source.objects.filter(name="cost").update(available=False, reason="404 not_found_error: Not found.")
    html = read(page)
    assert "Cost report is not there for this organization" in part(html, "problems")
    assert "Not there for this organization" in part(html, "sources")
    assert "use a key with this right" not in html
    assert "not open to this key" not in html


def test_ing_19_every_source_says_until_when_it_is_fresh(page: Client, ledger: Organization) -> None:
    Source.objects.create(organization=ledger, name="directory", last_success_at=moment(20, hour=13))
    rows = [words(row) for row in part(read(page), "sources").split("<tr data-state")[1:]]
    assert [re.sub(r'^="\w+"> ', "", row).split(" – ")[0] for row in rows] == [
        "Workspaces, keys and people Complete 13:00 UTC",
        "Rate and spend limits Not read yet",
        "Cost report Complete 19 Nov, whole",
        "Usage report Complete 14:05 UTC",
        "Usage, minutes Not read yet",
        "Usage and cost analytics Not read yet",
        "Claude Code Not read yet",
    ]


def test_the_calendar_has_a_cell_a_day_and_says_the_same_as_text(page: Client) -> None:
    Coverage.objects.filter(source="usage", start=moment(18, hour=4)).update(state="revised")
    Coverage.objects.filter(source="cost", start=moment(20)).update(state="open")
    coverage = part(read(page), "coverage")
    grid, rows = coverage.split("days-view")
    assert grid.count('<td class="settled"') == 49
    assert 'aria-label="17 Nov 2026: settled"' in grid
    assert 'aria-label="18 Nov 2026: changed since. Usage report: 1 hour changed since"' in grid
    assert 'aria-label="20 Nov 2026: open. Cost report: open"' in grid
    assert "49 settled, 1 changed since, 1 open, 0 missing" in grid
    found = [words(row) for row in rows.split("<tbody>")[1].split("</tr>")[:4]]
    assert found == [
        "20 Nov 2026 Open Cost report: open",
        "19 Nov 2026 Settled –",
        "18 Nov 2026 Changed since Usage report: 1 hour changed since",
        "1 Oct – 17 Nov 2026 Settled –",
    ]


def test_history_that_is_still_read_shows_its_progress_and_asks_again_by_itself(page: Client) -> None:
    Coverage.objects.filter(source="usage", start__lt=moment(1)).delete()
    Coverage.objects.update(first_read_at=clock.now() - timedelta(minutes=1))
    html = read(page)
    assert verdict(html) == "Complete to 14:05 UTC; history 69 % read."
    panel = part(html, "backfill")
    assert 'hx-trigger="every 3s"' in panel
    assert '<progress value="69" max="100"' in panel
    assert "69 of 100 days" in panel
    assert "71 days a minute" in panel
    assert "about 26 s left" in panel
    assert "31 not read yet" in html


def test_a_backfill_that_cannot_go_on_says_what_it_waits_for(page: Client) -> None:
    Coverage.objects.filter(source="usage", start__lt=moment(1)).delete()
    Coverage.objects.update(first_read_at=clock.now() - timedelta(hours=1))
    Source.objects.filter(name="usage").update(failures=1, last_error=REFUSED)
    assert "Waiting: Usage report cannot be read. It resumes where it stopped." in part(read(page), "backfill")


def test_the_run_log_has_errors_and_request_ids_and_older_pages(page: Client, ledger: Organization) -> None:
    for index in range(60):
        Run.objects.create(
            organization=ledger,
            source="usage",
            outcome="failed" if index == 59 else "succeeded",
            since=moment(19),
            until=moment(20, hour=15),
            started_at=clock.now() - timedelta(minutes=60 - index),
            finished_at=clock.now(),
            duration_ms=1900,
            windows_planned=3,
            windows_done=2 if index == 59 else 3,
            requests=4,
            rows_read=1906,
            error=REFUSED if index == 59 else "",
            request_ids=[f"req_{index:04}"],
        )
    log = part(read(page), "runs")
    rows = [words(row) for row in log.split("<tr data-outcome=")[1:]]
    assert len(rows) == 50
    assert rows[0].startswith('"failed"> 14:04 UTC Usage report Failed 401 authentication_error: API key is disabled.')
    assert rows[0].endswith("19–20 Nov 2026 2 / 3 4 req_0059 1,906 0 1.9 s")
    older = re.search(r'href="(\?before=\d+)#runs"', log)
    assert older
    rest = part(read(page, older[1]), "runs")
    assert rest.count("<tr data-outcome=") == 10
    assert "req_0000" in rest
    assert "Older runs" not in rest


@pytest.mark.parametrize(("done", "said"), [(46, "Goes on"), (58, "Done")])
def test_a_run_that_left_windows_to_the_next_one_goes_on(
    page: Client, ledger: Organization, done: int, said: str
) -> None:
    Run.objects.create(
        organization=ledger,
        source="usage",
        outcome="succeeded",
        started_at=clock.now(),
        finished_at=clock.now(),
        windows_planned=58,
        windows_done=done,
    )
    assert f"Usage report {said} –" in words(part(read(page), "runs"))


@pytest.mark.parametrize("before", ["x", "-1", "1e3", "9223372036854775808", "²", "%00"])
def test_a_page_of_the_log_that_cannot_be_is_refused(page: Client, before: str) -> None:
    assert page.get(f"{AT}?before={before}").status_code == 400


def test_what_is_new_upstream_is_listed_as_text(page: Client, ledger: Organization) -> None:
    seen = {"first_seen_at": moment(12), "last_seen_at": clock.now(), "seen": 12404}
    Novelty.objects.create(organization=ledger, source="usage", path="service_tier", value=f"{HOSTILE}\u202e", **seen)
    Novelty.objects.create(organization=ledger, source="cost", path="results[].field", **seen)
    html = read(page)
    news = words(part(html, "news"))
    assert "New value in Usage report, service_tier &lt;script&gt;alert(1)&lt;/script&gt;\\u202e 12 Nov" in news
    assert "New field in Cost report: results[].field – 12 Nov 14:05 UTC 12,404" in news
    assert HOSTILE not in html


def test_without_an_organization_the_page_says_so(client: Client, db: None, now: object) -> None:
    assert "Nothing is read yet" in text_of(client.get(AT, headers={"host": "localhost"}))


def test_the_rail_and_the_pill_lead_to_the_page(page: Client) -> None:
    html = text_of(page.get("/?range=last-month"))
    assert html.count('href="/data-health/?range=last-month"') == 3


def test_what_the_rail_leads_to_the_menu_of_phones_leads_to(page: Client) -> None:
    html = page.get("/data-health/").content.decode()
    rail, menu = (
        re.findall(r'<a href="([^"]+)"', html.partition(begins)[2].partition("</nav>")[0])
        for begins in ('<nav class="rail"', '<nav class="popover" aria-label="Menu"')
    )
    assert menu == rail
    assert len(menu) == 4


@pytest.mark.parametrize(
    ("lasts", "said"),
    [
        (timedelta(milliseconds=68), "68 ms"),
        (timedelta(seconds=1.94), "1.9 s"),
        (timedelta(seconds=4), "4 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=2, minutes=45), "2 h 45 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=3, hours=2), "3 days 2 h"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_lengths_are_said_in_their_two_largest_units(lasts: timedelta, said: str) -> None:
    assert length(lasts) == said


def test_spans_are_as_short_as_they_stay_clear(now: object) -> None:
    assert span(moment(13, hour=22), moment(13, hour=23)) == "13 Nov, 22:00–23:00 UTC"
    assert span(moment(13, hour=22), moment(14, hour=3)) == "13 Nov, 22:00 – 14 Nov, 03:00 UTC"
    assert span(moment(20, hour=3), moment(20, hour=3)) == "03:00 UTC"
