"""/metrics: OpenMetrics a strict reader accepts, the right numbers, and only for whoever has the token (OPS-04)."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import heartbeat
from costwatch.ingest.models import Coverage, Lease, Novelty, Quarantined, Run, Source
from costwatch.insights.health_totals import totals
from costwatch.ledger.dimensions import UsageDims
from costwatch.web import probes
from costwatch.web.openmetrics import COUNTER, GAUGE, Family, exposition
from tests.conftest import Record
from tests.web.conftest import moment, text_of
from tests.web.openmetrics_reader import Metric, read

TOKEN = "d3b07384d113edec49eaa6238ad5ff00"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    totals.forget()
    probes.answers.forget()
    yield
    totals.forget()
    probes.answers.forget()


@pytest.fixture
def scraper(client: Client, ledger: Organization, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A monitoring system with the token; the parts of /readyz all work."""
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(probes, "answers", probes.Kept(lambda: dict.fromkeys(("database", "broker"), "ok")))
    return client


def scraped(client: Client) -> dict[str, Metric]:
    response = client.get("/metrics", headers=BEARER)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return read(text_of(response))


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    return found[name].samples[tuple(labels.items())]


def of(source: str) -> dict[str, str]:
    return {"organization": "org-1", "source": source}


def test_without_a_configured_token_there_is_no_such_page(client: Client, db: None) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", f"bearer {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer é"])
def test_without_the_token_nothing_is_told(scraper: Client, given: str) -> None:
    response = scraper.get("/metrics", headers={"authorization": given} if given else {})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert "org-1" not in text_of(response)


def test_ops_04_freshness_failures_and_coverage_of_each_source_are_measured(scraper: Client) -> None:
    Coverage.objects.filter(source="usage", start__gte=moment(13, hour=22), start__lt=moment(14, hour=3)).delete()
    Coverage.objects.filter(source="usage", start=moment(9)).update(state="inconsistent")
    Source.objects.filter(name="cost").update(failures=3, last_success_at=clock.now() - timedelta(hours=1))
    found = scraped(scraper)
    through = clock.now().timestamp()
    assert value(found, "costwatch_source_data_through_timestamp_seconds", **of("usage")) == through
    assert value(found, "costwatch_source_freshness_seconds", **of("usage")) == 0
    assert value(found, "costwatch_source_last_success_timestamp_seconds", **of("cost")) == through - 3600
    assert value(found, "costwatch_source_consecutive_failures", **of("cost")) == 3
    assert value(found, "costwatch_source_available", **of("cost")) == 1
    buckets = {
        dict(labels)["state"]: number
        for labels, number in found["costwatch_coverage_buckets"].samples.items()
        if dict(labels)["source"] == "usage"
    }
    assert buckets == {"settled": 1209, "inconsistent": 1, "missing": 5, "open": 0, "revised": 0, "unread": 0}


def test_ops_04_work_of_the_runs_is_counted(scraper: Client, ledger: Organization) -> None:
    for outcome in ("succeeded", "succeeded", "failed", "running"):
        Run.objects.create(
            organization=ledger,
            source="usage",
            outcome=outcome,
            started_at=clock.now(),
            duration_ms=1500,
            requests=4,
            rows_read=1000,
            rows_changed=7,
        )
    ends = clock.now().replace(year=2100)
    Lease.objects.create(organization=ledger, source="usage", holder="x", expires_at=ends)
    found = scraped(scraper)
    runs = {
        dict(labels)["outcome"]: number
        for labels, number in found["costwatch_runs"].samples.items()
        if dict(labels)["source"] == "usage"
    }
    assert runs == {"succeeded": 2, "failed": 1, "closed": 0, "abandoned": 0}
    assert value(found, "costwatch_requests", **of("usage")) == 16
    assert value(found, "costwatch_rows_read", **of("usage")) == 4000
    assert value(found, "costwatch_rows_changed", **of("usage")) == 28
    assert value(found, "costwatch_run_duration_seconds", **of("usage")) == 6
    assert value(found, "costwatch_source_running", **of("usage")) == 1
    assert value(found, "costwatch_source_running", **of("cost")) == 0


def test_what_could_not_be_recorded_or_priced_is_measured(
    scraper: Client, ledger: Organization, record: Record
) -> None:
    seen = {"first_seen_at": clock.now(), "last_seen_at": clock.now()}
    Novelty.objects.create(organization=ledger, source="usage", path="x", seen=9, **seen)
    for _ in range(3):
        Quarantined.objects.create(
            organization=ledger, source="usage", bucket_start=moment(9), reason="", raw="", seen_at=clock.now(), run=1
        )
    unknown = UsageDims("key-1", "wrkspc_1", "claude-nobody-9", "standard", "0-200k", "global", "standard")
    record(moment(5), {unknown: (0, 0, 0, 0, 2**60, 0)})
    record(moment(6), {unknown: (0, 0, 0, 0, 2**60, 0)})
    for role in ("beat", "worker"):
        heartbeat.renew(role)
    found = scraped(scraper)
    assert value(found, "costwatch_source_set_aside_rows", **of("usage")) == 3
    assert value(found, "costwatch_source_unknown_values", **of("usage")) == 1
    assert value(found, "costwatch_unpriced_tokens", organization="org-1") == 2**61
    assert 0 <= value(found, "costwatch_heartbeat_age_seconds", part="beat") < 5
    assert value(found, "costwatch_database_size_bytes") > 100_000
    ((build, one),) = found["costwatch_build"].samples.items()
    assert one == 1
    assert dict(build).keys() == {"version", "database"}


def test_ops_04_a_database_that_goes_away_is_measured_as_away(scraper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("costwatch.web.metrics.measures", broken)
    found = scraped(scraper)
    assert value(found, "costwatch_check_ok", check="database") == 0
    assert value(found, "costwatch_check_ok", check="broker") == 1
    assert "costwatch_source_freshness_seconds" not in found


def test_a_scrape_never_asks_for_each_run_or_hour(
    scraper: Client, ledger: Organization, django_assert_max_num_queries: Any
) -> None:
    Run.objects.bulk_create(
        Run(organization=ledger, source="usage", outcome="succeeded", started_at=clock.now(), requests=1)
        for _ in range(2000)
    )
    scraped(scraper)
    with django_assert_max_num_queries(90):
        began = time.monotonic()
        assert value(scraped(scraper), "costwatch_requests", **of("usage")) == 2000
        assert time.monotonic() - began < 1


def test_labels_of_any_text_are_escaped_and_read_back() -> None:
    hostile = 'a\\b"c\nd} 1 # EOF é'
    family = Family("some_size_bytes", GAUGE, "A\nsize.", "bytes")
    family.add(1.5, organization=hostile)
    family.add(2**63, organization="plain")
    counter = Family("things", COUNTER, "Things.")
    text = exposition([family, counter, Family("empty", GAUGE, "Nothing.")])
    found = read(text)
    assert found["some_size_bytes"].samples == {
        (("organization", hostile),): 1.5,
        (("organization", "plain"),): 9.223372036854775808e18,
    }
    assert found.keys() == {"some_size_bytes"}
    assert "9223372036854775808\n" in text


@pytest.mark.parametrize(
    "wrong",
    [
        "a 1\n",
        "# TYPE a gauge\na 1\n",
        "# TYPE a gauge\na 1\n\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a_total counter\na_total 1\n# EOF\n",
        "# TYPE a gauge\na 1\na 1\n# EOF\n",
        "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
        "# TYPE a gauge\na 1\n# HELP a b\n# EOF\n",
        '# TYPE a gauge\na{x="1"y="2"} 1\n# EOF\n',
        "# TYPE a gauge\na one\n# EOF\n",
        "# TYPE a gauge\n# TYPE b gauge\n# TYPE a gauge\n# EOF\n",
    ],
)
def test_the_reader_of_these_tests_refuses_what_is_wrong(wrong: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        read(wrong)
