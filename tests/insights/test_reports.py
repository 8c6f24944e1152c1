"""Reports: the JSON, CSV and table people script against."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ingest.models import Coverage
from costwatch.insights.query import BadQuestion, question
from costwatch.insights.reports import report
from costwatch.ledger.dimensions import ReportedDims, UsageDims
from tests.conftest import Record

PICO = 10**12
OPUS = UsageDims("key-1", "wrkspc_1", "claude-opus-5-5", "standard", "0-200k", "global", "standard")
HOUR = datetime(2026, 11, 2, 5, tzinfo=UTC)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("report", *arguments, stdout=out)
    return out.getvalue()


def cover(organization: Organization, source: str, start: datetime, end: datetime, state: str = "settled") -> None:
    width = clock.HOUR if source == "usage" else clock.DAY
    while start < end:
        Coverage.objects.create(
            organization=organization,
            source=source,
            start=start,
            end=start + width,
            state=state,
            digest=b"x" * 16,
            first_read_at=clock.now(),
            last_read_at=clock.now(),
            changed_at=clock.now(),
        )
        start += width


@pytest.fixture
def november(organization: Organization, record: Record, record_cost: Record) -> Organization:
    """Two days of one workspace: usage and cost, covered and settled."""
    Workspace.objects.create(
        organization=organization,
        key="wrkspc_1",
        external_id="wrkspc_1",
        name="=HYPERLINK(1)\nsearch",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    ApiKey.objects.create(
        organization=organization,
        external_id="key-1",
        name="search-api",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    record(HOUR, {OPUS: (1000, 2000, 3000, 40000, 500, 2)})
    record(HOUR + clock.DAY, {OPUS: (1000, 0, 0, 0, 0, 0), OPUS._replace(api_key_id="console"): (2000, 0, 0, 0, 0, 0)})
    tokens = ReportedDims(
        "wrkspc_1", "USD", "tokens", "output_tokens", "claude-opus-5-5", "standard", "0-200k", "global", "x"
    )
    record_cost(
        HOUR, {tokens: (56 * PICO // 1000, "5.6"), ReportedDims("wrkspc_1", "USD", "code_execution"): (PICO, "100")}
    )
    cover(organization, "usage", clock.midnight(date(2026, 11, 1)), clock.midnight(date(2026, 11, 4)))
    cover(organization, "cost", clock.midnight(date(2026, 11, 1)), clock.midnight(date(2026, 11, 4)))
    return organization


def test_a_spend_report_has_exactly_the_promised_shape(november: Organization) -> None:
    made = json.loads(
        run("spend", "--since", "2026-11-01", "--until", "2026-11-04", "--group-by", "workspace_id", "--format", "json")
    )
    assert {key: made[key] for key in list(made)[:10]} == {
        "report": "spend",
        "since": "2026-11-01",
        "until": "2026-11-04",
        "interval": "day",
        "group_by": ["workspace_id"],
        "filters": {},
        "currency": "USD",
        "data_through": "2026-11-04T00:00:00Z",
        "complete": True,
        "price_version": made["price_version"],
    }
    assert made["rows"][0] == {
        "period": "2026-11-02",
        "partial": False,
        "workspace_id": "wrkspc_1",
        "workspace_name": "=HYPERLINK(1)\nsearch",
        "reported_usd": "1.056",
        "list_usd": "0.076",
        "list_low_usd": "0.076",
        "list_high_usd": "0.076",
        "contracted_usd": "0.076",
        "contracted_low_usd": "0.076",
        "contracted_high_usd": "0.076",
        "unpriced_tokens": 0,
        "uncached_input_tokens": 1000,
        "ephemeral_5m_input_tokens": 2000,
        "ephemeral_1h_input_tokens": 3000,
        "cache_read_input_tokens": 40000,
        "output_tokens": 500,
        "web_search_requests": 2,
    }
    assert made["rows"][1]["reported_usd"] == "0"
    assert (made["totals"]["reported_usd"], made["totals"]["list_usd"]) == ("1.056", "0.088")


def test_reported_is_null_where_the_cost_report_cannot_say(november: Organization) -> None:
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4)}
    by_key = report("spend", question(**span, group_by=["api_key_id"], interval="total"))
    assert {row["reported_usd"] for row in by_key["rows"]} == {None}
    assert by_key["totals"]["reported_usd"] == "1.056"
    assert [(row["api_key_id"], row["api_key_name"]) for row in by_key["rows"]] == [
        ("console", "No API key (Console, OAuth)"),
        ("key-1", "search-api"),
    ]
    filtered = report("spend", question(**span, filters=[("api_key_id", "key-1")], interval="total"))
    assert (filtered["rows"][0]["reported_usd"], filtered["totals"]["reported_usd"]) == (None, None)
    assert filtered["filters"] == {"api_key_id": "key-1"}
    hourly = report("spend", question(**span, interval="hour"))
    assert [(row["period"], row["reported_usd"], row["list_usd"]) for row in hourly["rows"]] == [
        ("2026-11-02T05:00:00Z", None, "0.076"),
        ("2026-11-03T05:00:00Z", None, "0.012"),
    ]


def test_a_token_type_row_holds_only_its_own_count(november: Organization) -> None:
    asked = question(
        since=date(2026, 11, 2), until=date(2026, 11, 3), group_by=["cost_type", "token_type"], interval="total"
    )
    rows = {(row["cost_type"], row["token_type"]): row for row in report("spend", asked)["rows"]}
    assert rows["tokens", "cache_read_input_tokens"]["list_usd"] == "0.008"
    assert rows["tokens", "cache_read_input_tokens"]["output_tokens"] == 0
    assert rows["web_search", ""]["list_usd"] == "0.02"
    assert rows["tokens", "output_tokens"]["reported_usd"] == "0.056"
    assert rows["code_execution", ""]["reported_usd"] == "1"


def test_intervals_at_the_edges_are_partial(november: Organization) -> None:
    asked = question(since=date(2026, 11, 2), until=date(2026, 11, 4), interval="week")
    assert [(row["period"], row["partial"]) for row in report("spend", asked)["rows"]] == [("2026-11-02", True)]
    asked = question(since=date(2026, 11, 1), until=date(2026, 11, 4), interval="month")
    assert [(row["period"], row["partial"]) for row in report("spend", asked)["rows"]] == [("2026-11", True)]
    asked = question(since=date(2026, 11, 1), until=date(2026, 11, 30), interval="total")
    assert [row["partial"] for row in report("spend", asked)["rows"]] == [True]


def test_an_hour_whose_total_differs_is_not_complete(november: Organization) -> None:
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4)}
    assert report("spend", question(**span))["complete"] is True
    Coverage.objects.filter(source="usage", start=datetime(2026, 11, 2, 7, tzinfo=UTC)).update(control_total_ok=False)
    assert report("spend", question(**span))["complete"] is False


def test_a_gap_ends_completeness_and_is_a_span_of_the_coverage(november: Organization) -> None:
    Coverage.objects.filter(source="usage", start=datetime(2026, 11, 2, 7, tzinfo=UTC)).delete()
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4)}
    assert report("spend", question(**span))["complete"] is False
    rows = report("coverage", question(**span))["rows"]
    assert [(row["source"], row["since"], row["until"], row["state"]) for row in rows] == [
        ("usage", "2026-11-01T00:00:00Z", "2026-11-02T07:00:00Z", "settled"),
        ("usage", "2026-11-02T07:00:00Z", "2026-11-02T08:00:00Z", "missing"),
        ("usage", "2026-11-02T08:00:00Z", "2026-11-04T00:00:00Z", "settled"),
        ("cost", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", "settled"),
    ]
    assert rows[0]["organization_id"] == "org-1"


def test_usage_has_no_money(november: Organization) -> None:
    made = json.loads(run("usage", "--since", "2026-11-01", "--until", "2026-11-04", "--format", "json"))
    assert not [key for key in made["rows"][0] if key.endswith("_usd")]
    assert made["totals"]["output_tokens"] == 500


def test_csv_has_one_row_per_line_and_no_formula(november: Organization) -> None:
    text = run(
        "spend", "--since", "2026-11-01", "--until", "2026-11-04", "--group-by", "workspace_id", "--format", "csv"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.count("\n") == len(rows) + 1 == 3
    assert rows[0]["workspace_name"] == "'=HYPERLINK(1)\u240asearch"
    assert (rows[0]["list_usd"], rows[0]["partial"], rows[0]["data_through"]) == (
        "0.076",
        "false",
        "2026-11-04T00:00:00Z",
    )


def test_an_empty_csv_has_the_columns_of_a_full_one(november: Organization) -> None:
    for name in ("spend", "usage", "unpriced", "coverage"):
        grouped = ("--group-by", "workspace_id") if name in ("spend", "usage") else ()
        full = run(name, "--since", "2026-11-01", "--until", "2026-11-04", *grouped, "--format", "csv")
        empty = run(name, "--since", "2027-11-01", "--until", "2027-11-04", *grouped, "--format", "csv")
        assert empty == full.splitlines()[0] + "\n"


def test_only_the_sources_a_report_needs_hold_back_its_data_through(november: Organization) -> None:
    Coverage.objects.filter(source="cost", start__gte=datetime(2026, 11, 3, tzinfo=UTC)).delete()
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4)}
    assert report("spend", question(**span))["data_through"] == "2026-11-03T00:00:00Z"
    by_speed = report("spend", question(**span, filters=[("speed", "standard")]))
    assert by_speed["data_through"] == "2026-11-04T00:00:00Z"


def test_unpriced_is_filtered_by_meter_and_has_a_grouping_of_its_own(
    organization: Organization, record: Record
) -> None:
    record(HOUR, {OPUS._replace(model="claude-next"): (7, 0, 0, 0, 5, 0)})
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4), "interval": "total"}
    only = report("unpriced", question(**span, filters=[("token_type", "output_tokens")]))
    assert [(row["meter"], row["quantity"]) for row in only["rows"]] == [("output_tokens", 5)]
    assert report("unpriced", question(**span, filters=[("cost_type", "web_search")]))["rows"] == []
    with pytest.raises(BadQuestion, match="grouping of its own"):
        report("unpriced", question(**span, group_by=["workspace_id"]))
    with pytest.raises(BadQuestion, match="filtered by organization_id"):
        report("coverage", question(**span, filters=[("model", "x")]))


def test_a_revised_bucket_is_not_settled(november: Organization) -> None:
    span = {"since": date(2026, 11, 1), "until": date(2026, 11, 4)}
    Coverage.objects.filter(source="usage", start=datetime(2026, 11, 2, tzinfo=UTC)).update(state="revised")
    assert report("spend", question(**span))["complete"] is False


def test_a_table_is_for_people(november: Organization) -> None:
    text = run("spend", "--since", "2026-11-01", "--until", "2026-11-04")
    assert "spend, 2026-11-01 to 2026-11-04" in text
    assert "total list_usd: 0.088" in text


def test_an_empty_database_answers_with_nothing_known(db: None, now: datetime) -> None:
    made = json.loads(run("spend", "--format", "json"))
    assert (made["rows"], made["data_through"], made["complete"]) == ([], None, False)
    assert "nothing read yet" in run("coverage")


@pytest.mark.parametrize(
    "arguments",
    [
        ("spend", "--since", "2026-02-30"),
        ("spend", "--group-by", "password"),
        ("spend", "--filter", "model"),
        ("spend", "--since", "2026-11-04", "--until", "2026-11-04"),
        ("spend", "--as-of", "2026-11-04T00:00:00"),
    ],
)
def test_q01_q06_a_wrong_question_gets_a_sentence(db: None, now: datetime, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
