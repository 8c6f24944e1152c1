"""Reports over HTTP: what the command prints, to the byte; bounds; entity tags."""

import io
from contextlib import ExitStack
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from costwatch import clock
from costwatch.api import gate, questions
from costwatch.directory.models import Organization, Workspace
from costwatch.ingest.models import Run
from costwatch.insights import reports
from costwatch.ledger.dimensions import UsageDims
from costwatch.ledger.models import PriceChange
from tests.api.conftest import NOVEMBER, get, refused
from tests.conftest import Record
from tests.web.conftest import moment


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("report", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        (f"spend?{NOVEMBER}", "spend"),
        (f"spend?{NOVEMBER}&group_by=workspace_id,model", "spend --group-by workspace_id,model"),
        (f"spend?{NOVEMBER}&group_by=workspace_id&group_by=model", "spend --group-by workspace_id,model"),
        (f"spend?{NOVEMBER}&interval=total&workspace_id=wrkspc_1",
         "spend --interval total --filter workspace_id=wrkspc_1"),
        (
            f"spend?{NOVEMBER}&interval=week&model=claude-opus-5-5&model=",
            "spend --interval week --filter model=claude-opus-5-5 --filter model=",
        ),
        (f"spend?{NOVEMBER}&as_of=2026-11-10T00:00:00Z", "spend --as-of 2026-11-10T00:00:00Z"),
        (f"usage?{NOVEMBER}&interval=hour&group_by=api_key_id", "usage --interval hour --group-by api_key_id"),
        (
            f"spend?{NOVEMBER}&model=claude-opus-5-5&workspace_id=wrkspc_1",
            "spend --filter model=claude-opus-5-5 --filter workspace_id=wrkspc_1",
        ),
        (f"unpriced?{NOVEMBER}", "unpriced"),
        (f"coverage?{NOVEMBER}&organization_id=org-1", "coverage --filter organization_id=org-1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_report_is_what_the_command_prints_to_the_byte(api: Client, address: str, arguments: str, form: str) -> None:
    response = get(api, f"reports/{address}&format={form}")
    assert response.status_code == 200
    span = ["--since", "2026-11-01", "--until", "2026-11-21"]
    assert response.content.decode() == printed(*arguments.split(), *span, "--format", form)


def test_without_dates_a_report_is_about_this_month(api: Client) -> None:
    made = get(api, "reports/spend?interval=total").json()
    assert (made["since"], made["until"], made["totals"]["reported_usd"]) == ("2026-11-01", "2026-11-21", "3600")


def test_the_accept_header_chooses_the_format(api: Client) -> None:
    as_json, as_csv = (get(api, f"reports/usage?{NOVEMBER}", Accept=kind) for kind in ("application/json", "text/csv"))
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert as_csv.content.startswith(b"period,partial,")
    refused(get(api, "reports/usage", Accept="image/png"), 406)


def test_an_answer_is_kept_privately_and_asked_about_again(api: Client, record: Record) -> None:
    first = get(api, f"reports/spend?{NOVEMBER}")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Accept"} <= {word.strip() for word in first.headers["Vary"].split(",")}
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    again = get(api, f"reports/spend?{NOVEMBER}", If_None_Match=tag)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Cache-Control"] == "private, no-cache"
    opus = UsageDims("key-1", "wrkspc_1", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    record(moment(20, hour=10), {opus: (0, 0, 0, 0, 1, 0)})
    changed = get(api, f"reports/spend?{NOVEMBER}", If_None_Match=tag)
    assert (changed.status_code, changed.headers["ETag"] == tag) == (200, False)


def test_a_tag_that_is_sent_again_costs_no_second_answer_until_something_is_written(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setitem(reports.REPORTS, "usage", lambda query: asked.append(query) or reports.usage(query))
    # The minute must not change under the test: time stands still, and is taken for time that runs.
    monkeypatch.setattr(clock, "is_frozen", lambda: False)
    PriceChange.objects.update(applied_at=clock.now())
    Run.objects.create(
        organization=Organization.objects.get(), source="usage", outcome="succeeded", started_at=clock.now()
    )
    question = f"reports/usage?{NOVEMBER}&interval=total"
    tag = get(api, question).headers["ETag"]
    assert [get(api, question, If_None_Match=tag).status_code for _ in range(3)] == [304] * 3
    assert len(asked) == 1
    assert get(api, question, If_None_Match='"other"').status_code == 200
    assert len(asked) == 2
    Run.objects.create(
        organization=Organization.objects.get(), source="usage", outcome="succeeded", started_at=clock.now()
    )
    assert get(api, question, If_None_Match=tag).status_code == 304
    assert len(asked) == 3


def test_a_renamed_workspace_changes_the_tag(api: Client) -> None:
    tag = get(api, f"reports/spend?{NOVEMBER}&group_by=workspace_id").headers["ETag"]
    Workspace.objects.filter(key="wrkspc_1").update(name="search")
    again = get(api, f"reports/spend?{NOVEMBER}&group_by=workspace_id", If_None_Match=tag)
    assert again.status_code == 200
    assert next(row["workspace_name"] for row in again.json()["rows"]) == "search"


@pytest.mark.parametrize(
    ("interval", "days"), [("hour", 31), ("day", 400), ("week", 1100), ("month", 1100), ("total", 1100)]
)
def test_web_15_a_range_has_a_longest_length(api: Client, interval: str, days: int) -> None:
    until = date(2026, 11, 21)
    longest, longer = (until - timedelta(days=count) for count in (days, days + 1))
    assert get(api, f"reports/usage?since={longest}&until={until}&interval={interval}").status_code == 200
    made = refused(get(api, f"reports/usage?since={longer}&until={until}&interval={interval}"), 400)
    assert made["errors"][0]["parameter"] == "until"
    assert str(days) in made["errors"][0]["detail"]


def test_web_15_four_dimensions_group_a_report_and_five_do_not(api: Client) -> None:
    four = "organization_id,workspace_id,api_key_id,model"
    assert get(api, f"reports/spend?{NOVEMBER}&group_by={four}").status_code == 200
    made = refused(get(api, f"reports/spend?{NOVEMBER}&group_by={four},speed"), 400)
    assert [one["parameter"] for one in made["errors"]] == ["group_by"]


def test_web_15_an_answer_has_a_most_of_rows(api: Client, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    assert questions.MOST_ROWS == 5000
    monkeypatch.setattr(questions, "MOST_ROWS", 50)
    dims = UsageDims("key-1", "wrkspc_1", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
    record(moment(5), {dims._replace(api_key_id=f"key-{number}"): (1, 0, 0, 0, 0, 0) for number in range(50)})
    assert len(get(api, "reports/usage?since=2026-11-05&until=2026-11-06&group_by=api_key_id").json()["rows"]) == 50
    record(moment(6), {dims: (1, 0, 0, 0, 0, 0)})
    made = refused(get(api, "reports/usage?since=2026-11-05&until=2026-11-07&group_by=api_key_id"), 400)
    assert "more than 50 daily amounts" in made["detail"]
    record(moment(5, hour=1), {dims: (1, 0, 0, 0, 0, 0)})
    made = refused(get(api, "reports/usage?since=2026-11-05&until=2026-11-06&group_by=api_key_id&interval=hour"), 400)
    assert "51 rows, and 50 is the most" in made["detail"]
    assert get(api, "reports/usage?since=2026-11-05&until=2026-11-06&interval=hour").status_code == 200


def test_web_15_a_question_that_sums_too_much_is_refused_before_it_is_read(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    grouped = f"reports/usage?{NOVEMBER}&interval=week&group_by=api_key_id"
    monkeypatch.setattr(questions, "MOST_AMOUNTS", 2)
    assert get(api, grouped).status_code == 200
    monkeypatch.setattr(questions, "MOST_AMOUNTS", 1)
    assert "more than 1 daily amounts" in refused(get(api, grouped), 400)["detail"]
    for narrower in (
        grouped.replace("week", "week&api_key_id=nobody"),
        grouped.replace("since=2026-11-01", "since=2026-11-03"),
    ):
        assert get(api, narrower).status_code == 200


def test_web_15_a_few_questions_are_answered_at_once_and_the_next_is_told_to_ask_again(api: Client) -> None:
    with ExitStack() as others:
        for _ in range(gate.AT_WORK):
            others.enter_context(gate.gate())
        # Whoever waits has a seat, and no turn.
        for _ in range(gate.WAITING):
            assert gate.gate.seats.acquire(blocking=False)
            others.callback(gate.gate.seats.release)
        answer = get(api, f"reports/spend?{NOVEMBER}")
        assert "Ask again" in refused(answer, 429)["detail"]
        assert answer.headers["Retry-After"] == "2"
        assert get(api, "workspaces").status_code == 200
    assert get(api, f"reports/spend?{NOVEMBER}").status_code == 200


def test_a_report_that_does_not_exist_is_not_found(api: Client) -> None:
    for name in ("password", "spend/", "SPEND", "%00", "../spend"):
        refused(get(api, f"reports/{name}"), 404)
