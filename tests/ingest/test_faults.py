"""Faults of the upstream and of the process: nothing is lost, doubled or half committed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from costwatch import clock
from costwatch.ingest.failpoints import NAMES
from costwatch.ingest.models import Coverage, Novelty, Quarantined, Run, Source
from costwatch.ingest.order import Order
from costwatch.ledger.models import Fact, MinuteFact, ReportedLine, SeriesDay
from costwatch.upstream.errors import UpstreamError
from costwatch.upstream.sandbox.server import SandboxServer
from costwatch.upstream.usage import FAST_MINUTES, Chain

from .conftest import Sync
from .test_sync import assert_equals_truth, everything

MANAGE = str(Path(django_settings.BASE_DIR) / "manage.py")


@pytest.mark.parametrize("kind", ["duplicate_page", "lost_token", "repeated_token", "truncate", "empty", "gzip_bomb"])
def test_ing_09_ing_10_half_an_answer_is_never_committed(run: Sync, upstream: SandboxServer, kind: str) -> None:
    run("directory")
    upstream.faults.add(kind, path="usage_report", times=None)
    failed = run("usage")["usage"]
    assert failed is not None
    assert failed.outcome == Run.Outcome.FAILED
    assert failed.error
    assert (Fact.objects.count(), Coverage.objects.filter(source="usage").count()) == (0, 0)
    assert Source.objects.get(name="usage").last_error
    upstream.faults.clear()
    recovered = run("usage")["usage"]
    assert recovered is not None
    assert recovered.outcome == Run.Outcome.SUCCEEDED


def test_ing_10_good_data_stays_when_a_later_read_is_cut(run: Sync, upstream: SandboxServer) -> None:
    run()
    before = everything()
    upstream.restate(date(2026, 11, 12), change="up")
    upstream.faults.add("truncate", path="usage_report", times=None)
    failed = run("usage", order=Order(since=date(2026, 11, 12), until=date(2026, 11, 13)))["usage"]
    assert failed is not None
    assert failed.outcome == Run.Outcome.FAILED
    assert everything() == before


def test_a_bad_week_of_weather_ends_with_the_same_totals(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costwatch.upstream.client.BACKOFF_CAP", 0.01)
    monkeypatch.setattr("costwatch.upstream.client.RETRY_AFTER_CAP", 0.01)
    upstream.faults.weather()
    for _ in range(6):
        with suppress(UpstreamError):
            run()
    assert upstream.faults.log
    upstream.faults.clear()
    run()
    assert_equals_truth(upstream, ("workspace_id", "model"))


def test_a_key_that_may_not_read_costs_runs_what_it_can(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTWATCH_ADMIN_KEY", upstream.reduced_key)
    runs = run()
    assert runs["usage"] is not None
    assert runs["usage"].outcome == Run.Outcome.SUCCEEDED
    cost = Source.objects.get(name="cost")
    assert (cost.available, "permission" in cost.reason) == (False, True)
    assert Fact.objects.exists()
    assert not ReportedLine.objects.exists()


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("sk-ant-admin01-wrong", "make a new Admin key"),
        ("ordinary", "takes an Admin key"),
        ("nonsense", "make a new Admin key"),
    ],
)
def test_a_wrong_key_gets_the_vendors_sentence_and_what_to_do(
    upstream: SandboxServer, db: None, monkeypatch: pytest.MonkeyPatch, key: str, advice: str
) -> None:
    from costwatch.ingest.connect import CannotConnect, client, connect

    monkeypatch.setenv("COSTWATCH_ADMIN_KEY", upstream.ordinary_key if key == "ordinary" else key)
    with client() as opened, pytest.raises(CannotConnect, match=advice) as caught:
        connect(opened)
    assert "40" in str(caught.value)
    assert os.environ["COSTWATCH_ADMIN_KEY"] not in str(caught.value)


def test_an_organization_without_the_speed_filter_has_one_speed(run: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the beta header the vendor refuses the filter with a 400.
    monkeypatch.setattr("costwatch.ingest.chains.FAST", Chain("fast", (("speeds[]", "fast"),), beta=""))
    usage = run()["usage"]
    assert usage is not None
    assert usage.outcome == Run.Outcome.SUCCEEDED
    assert set(Fact.objects.values_list("series__speed", flat=True)) == {""}
    assert not Run.objects.get(pk=usage.pk).organization.reads_speed


def test_an_organization_without_the_speed_filter_has_minutes_of_one_speed(
    run: Sync, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.BACKFILL_SINCE = "2026-11-20"  # type: ignore[attr-defined]
    without_header = Chain("fast_minutes", FAST_MINUTES.filters, "", FAST_MINUTES.group_by)
    monkeypatch.setattr("costwatch.ingest.minutes.FAST_MINUTES", without_header)
    run("directory", "minutes")
    assert set(MinuteFact.objects.values_list("series__speed", flat=True)) == {""}


def test_ing_14_a_count_beyond_64_bits_is_set_aside_and_the_others_are_kept(run: Sync, upstream: SandboxServer) -> None:
    run("directory")
    row = (
        '{"uncached_input_tokens":%s,"cache_read_input_tokens":0,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":0,'
        '"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":0},"api_key_id":"k%d","workspace_id":null,'
        '"model":"claude-opus-5","service_tier":"standard","inference_geo":"global","context_window":null%s}'
    )
    rows = [
        row % (2**63, 1, ""),
        row % (-1, 2, ""),
        row % ("1.5", 3, ""),
        row % ('"123"', 4, ""),
        row % ("true", 5, ""),
        row % (10**15, 6, ""),
        row % (10**15 + 1, 9, ""),
        row % (7, 7, ',"brand_new_field":{"x":1}'),
        (row % (8, 8, "")).replace('"output_tokens":1,', ""),
    ]
    bucket = (
        '{"data":[{"starting_at":"2026-11-10T00:00:00Z","ending_at":"2026-11-10T01:00:00Z","results":[%s]}],'
        '"has_more":false,"next_page":null}'
    )
    upstream.faults.add("body", path="usage_report", times=1, status=200, text=bucket % ",".join(rows))
    upstream.faults.add("body", path="usage_report", times=None, status=200, text=bucket % "")
    run("usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 11)))
    kept = dict(Fact.objects.values_list("series__api_key_id", "uncached_input_tokens"))
    assert kept == {"k6": 10**15, "k7": 7}
    reasons = list(Quarantined.objects.values_list("reason", flat=True))
    assert len(reasons) == 7
    assert any("$.output_tokens" in reason or "output_tokens" in reason for reason in reasons)
    assert Coverage.objects.get(source="usage").state == "inconsistent"
    assert Novelty.objects.filter(path="brand_new_field").get().seen >= 1


def test_ing_15_ing_11_one_bad_row_in_a_hundred_is_set_aside_and_unknown_values_are_kept(
    run: Sync, upstream: SandboxServer
) -> None:
    run("directory")
    row = (
        '{"uncached_input_tokens":%s,"cache_read_input_tokens":0,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":0,'
        '"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":0},"api_key_id":"k%02d","workspace_id":null,'
        '"model":"claude-unheard-of-9","service_tier":"brand_new","inference_geo":"global","context_window":null}'
    )
    rows = ",".join(row % ("-7" if number == 50 else "3", number) for number in range(100))
    bucket = (
        '{"data":[{"starting_at":"2026-11-10T00:00:00Z","ending_at":"2026-11-10T01:00:00Z","results":[%s]}],'
        '"has_more":false,"next_page":null}'
    )
    upstream.faults.add("body", path="usage_report", times=1, status=200, text=bucket % rows)
    upstream.faults.add("body", path="usage_report", times=None, status=200, text=bucket % "")
    run("usage", order=Order(since=date(2026, 11, 10), until=date(2026, 11, 11)))
    assert Fact.objects.count() == 99
    assert Quarantined.objects.count() == 1
    assert SeriesDay.objects.filter(unpriced_tokens=4).count() == 99
    assert {"claude-unheard-of-9", "brand_new"} & set(Novelty.objects.values_list("value", flat=True))


def test_http_10_a_refused_key_and_ten_failures_in_a_row_pause_a_source_for_a_quarter_of_an_hour(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costwatch.upstream.client.BACKOFF_CAP", 0.0)
    run("directory")
    upstream.faults.add("unauthorized", path="cost_report", times=None)
    before = len(upstream.requests)
    run("cost")
    cost = Source.objects.get(name="cost")
    assert cost.paused_until == clock.now() + timedelta(minutes=15)
    # Windows that were asked ahead had begun; none was asked twice.
    assert len([one for one in list(upstream.requests)[before:] if one.status == 401]) <= 4

    upstream.faults.clear()
    upstream.faults.add("truncate", path="usage_report", times=None)
    for failures in range(1, 11):
        assert Source.objects.filter(name="usage", paused_until__isnull=False).count() == 0
        run("usage")
        assert Source.objects.get(name="usage").failures == failures
    assert Source.objects.get(name="usage").paused_until == clock.now() + timedelta(minutes=15)


def test_http_14_no_more_than_four_requests_are_open_at_once(run: Sync, upstream: SandboxServer) -> None:
    upstream.latency = 0.05
    run("directory", "cost", "usage")
    assert 2 <= max(upstream.peak.values()) <= 4


@contextmanager
def separate_database(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose commands work on a database of their own, of the kind the suite runs on."""
    environment = dict(os.environ)
    environment.pop("COSTWATCH_SANDBOX", None)
    environment["COSTWATCH_DATA_DIR"] = str(tmp_path)
    if connection.vendor == "sqlite":
        environment.pop("DATABASE_URL", None)
        yield environment
        return
    name = f"separate_{os.getpid()}_{tmp_path.name}".replace("-", "_").lower()[:60]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    environment["DATABASE_URL"] = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name
    try:
        yield environment
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _sync(environment: dict[str, str], source: str = "") -> int:
    command = [sys.executable, MANAGE, "sync", "-v0", *(["--source", source] if source else [])]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120).returncode


def _die(environment: dict[str, str], source: str, places: list[str]) -> list[str]:
    """Read a source once for each failpoint. Shape: those that ended the process."""
    command = [sys.executable, "-m", "tests.faults.die", source, *places]
    done = subprocess.run(
        command, cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    fatal: list[str] = json.loads(done.stdout)
    return fatal


def _ledger(environment: dict[str, str]) -> object:
    """Every row of the ledger, by table and day, without ids and run numbers."""
    command = [sys.executable, "-m", "tests.faults.ledger"]
    done = subprocess.run(
        command, cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Only usage is rolled up inside its transaction; the others have no such places.
PLACES = {
    "cost": tuple(name for name in NAMES if not name.startswith("rollup")),
    "usage": NAMES,
    "minutes": tuple(name for name in NAMES if not name.startswith("rollup")),
}


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
# On PostgreSQL the source with every place stands for all: a round of real processes takes its time.
@pytest.mark.parametrize("source", ["usage"] if os.environ.get("DATABASE_URL") else list(PLACES))
def test_ing_03_a_process_that_dies_at_any_failpoint_leaves_nothing_half_done(
    sandbox: SandboxServer, tmp_path: Path, now: datetime, source: str
) -> None:
    rounds = int(os.environ.get("COSTWATCH_FAILPOINT_ROUNDS", "1"))
    with separate_database(tmp_path) as base:
        base |= {
            "COSTWATCH_UPSTREAM_URL": sandbox.url,
            "COSTWATCH_ADMIN_KEY": sandbox.admin_key,
            "COSTWATCH_BACKFILL_SINCE": "2026-11-19",
            "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        }
        assert _sync(base, "directory") == 0
        # Each place on its first pass, which is with nothing recorded, and then on later ones.
        places = [f"{name}:{round_}" for round_ in range(1, rounds + 1) for name in PLACES[source]]
        died = {place.partition(":")[0] for place in _die(base, source, places)}
        assert died >= {
            "fetch.before",
            "fetch.after",
            "parse.before",
            "record.after",
            "coverage.after",
            "commit.before",
        }
        assert _sync(base) == 0
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        clean = base | {"COSTWATCH_DATA_DIR": str(undisturbed)}
        clean.pop("DATABASE_URL", None)
        assert _sync(clean) == 0
        assert _ledger(base) == _ledger(clean)
