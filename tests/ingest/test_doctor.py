"""manage.py doctor: what is configured, reachable, permitted, late or wrong, and what to do about each."""

import fcntl
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from costwatch.directory.models import Organization
from costwatch.ingest.examine import rights
from costwatch.ingest.examine.line import Line, TookTooLong, within
from costwatch.ingest.models import Coverage, Installation, Novelty, Quarantined, Source, State
from costwatch.ledger.models import Series, SeriesDay
from costwatch.upstream.credential import VARIABLE
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync

Answer = tuple[int, list[dict[str, str]]]
Doctor = Callable[[], Answer]


@pytest.fixture
def doctor(db: None, settings: Any, tmp_path: Path) -> Doctor:
    """Runs the command. Shape: its exit status and its lines."""
    settings.DATA_DIR = tmp_path

    def run() -> Answer:
        said = StringIO()
        status = 0
        try:
            call_command("doctor", "--format", "json", stdout=said)
        except SystemExit as end:
            status = int(end.code or 0)
        answer = json.loads(said.getvalue())
        assert (answer["worst"] == "fail") == (status == 1)
        return status, answer["lines"]

    return run


@pytest.fixture
def real(upstream: SandboxServer, settings: Any) -> SandboxServer:
    """An installation that reads a real organization, played by a sandbox server."""
    settings.SANDBOX = False
    return upstream


def of(group: str, lines: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(line["mark"], line["what"]) for line in lines if line["group"] == group]


def the(start: str, lines: list[dict[str, str]]) -> dict[str, str]:
    """The one line that begins so."""
    (found,) = [line for line in lines if line["what"].startswith(start)]
    return found


def test_an_empty_sandbox_is_well_and_says_the_next_step(
    doctor: Doctor, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    settings.UPSTREAM_URL = "https://api.anthropic.com"
    status, lines = doctor()
    assert status == 0
    assert of("Upstream", lines) == [
        ("ok", "organization: 'Example Inc' (686af8fa-7e96-53e9-bf06-20a324d4b55d)"),
        ("ok", "usage: one hour read, 68 rows"),
        ("ok", "usage by speed: one hour read, 3 rows"),
        ("ok", "cost report: one day read, 117 lines"),
        ("ok", "workspaces: 12 read"),
        ("ok", "API keys: 60 read"),
        ("ok", "members: 25 read"),
    ]
    assert of("Data", lines) == [("note", "nothing has been read yet")]
    assert the("no Admin key", lines)["do"].startswith("Set COSTWATCH_ADMIN_KEY_FILE")
    assert the("business time stands still at 2026-11-20T14:05:00Z", lines)["mark"] == "note"


def test_the_text_shows_a_mark_and_advice_for_each_line(
    doctor: Doctor, now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    settings.MANAGE, settings.UPSTREAM_URL = "yes", "https://api.anthropic.com"
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=said, no_color=True)
    assert "\nConfiguration\n  ok    COSTWATCH_ENV is local" in said.getvalue()
    assert "  FAIL  COSTWATCH_MANAGE is 'yes'\n        -> It is either off (the default) or on.\n" in said.getvalue()
    assert said.getvalue().endswith("Something needs doing.\n")


def test_a_line_that_is_not_ok_cannot_be_made_without_advice() -> None:
    with pytest.raises(ValueError, match="says what to do"):
        Line("Data", "warn", "usage is late")


def test_a_key_that_may_read_usage_only_is_judged_source_by_source(
    doctor: Doctor, real: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, real.reduced_key)
    status, lines = doctor()
    assert status == 0
    assert the("usage: ", lines)["mark"] == "ok"
    refused = the("cost report: refused: 403 permission_error: This API key lacks the permission", lines)
    assert refused["mark"] == "warn"
    assert refused["do"].startswith("Without the cost report there is only what we compute")
    assert "https://console.anthropic.com/settings/admin-keys" in refused["do"]


def test_an_ordinary_key_fails_with_the_vendors_sentence_and_what_to_do(
    doctor: Doctor, real: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, real.workspace_key)
    status, lines = doctor()
    assert status == 1
    line = the("usage: refused: 403 permission_error: This endpoint requires an Admin API key", lines)
    assert line["mark"] == "fail"
    assert "This is an ordinary API key" in line["do"]


def test_a_wrong_key_is_one_line_not_seven(
    doctor: Doctor, real: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "sk-ant-admin01-wrong")
    status, lines = doctor()
    assert status == 1
    assert of("Upstream", lines) == [
        (
            "fail",
            "organization, usage, usage by speed, cost report, workspaces, API keys, members: "
            "refused: 401 authentication_error: invalid x-api-key",
        )
    ]


def test_a_failing_upstream_is_told_with_its_own_words(doctor: Doctor, real: SandboxServer) -> None:
    real.faults.add("server_error", path="/v1/organizations/cost_report", status=503)
    status, lines = doctor()
    assert status == 1
    assert the("cost report: unreachable", lines)["mark"] == "fail"
    assert the("usage: one hour read", lines)["mark"] == "ok"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_nobody_answering_does_not_hold_the_doctor_up(
    doctor: Doctor, real: SandboxServer, settings: Any, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "SECONDS", 0.5)
    settings.UPSTREAM_URL = f"http://{silent}"
    settings.BROKER_URL = f"redis://:canary-password@{silent}/0"
    began = time.monotonic()
    status, lines = doctor()
    assert time.monotonic() - began < 5
    assert status == 1
    assert of("Upstream", lines) == [
        (
            "fail",
            "organization, usage, usage by speed, cost report, workspaces, API keys, members: "
            "unreachable: no answer within 0.5 s",
        )
    ]
    assert of("Broker", lines) == [("fail", f"redis://{silent}/0 cannot be reached: no answer within 2 s")]


def test_calls_that_hang_are_left_behind_and_the_others_count() -> None:
    outcomes = within(0.3, {"quick": lambda: 1, "slow": lambda: time.sleep(5) or 2, "wrong": lambda: 1 // 0})
    assert outcomes["quick"] == 1
    assert isinstance(outcomes["slow"], TookTooLong)
    assert isinstance(outcomes["wrong"], ZeroDivisionError)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("MANAGE", "yes", "COSTWATCH_MANAGE is 'yes'"),
        ("BACKFILL_SINCE", "soon", "COSTWATCH_BACKFILL_SINCE is 'soon', which is not a day"),
        ("BACKFILL_SINCE", "2027-01-01", "COSTWATCH_BACKFILL_SINCE is 2027-01-01, which is in the future"),
        ("BACKFILL_SINCE", "0001-01-01", "COSTWATCH_BACKFILL_SINCE is 0001-01-01, and there is nothing to read before"),
        ("UPSTREAM_URL", "https://x:bad", "COSTWATCH_UPSTREAM_URL: Port could not be cast"),
        ("UPSTREAM_URL", "http://example.com", "COSTWATCH_UPSTREAM_URL: the upstream URL 'http://example.com' must be"),
        ("UPSTREAM_URL", "https://user:canary@example.com", "COSTWATCH_UPSTREAM_URL: the upstream URL must not name a"),
        (
            "BROKER_URL",
            "redis://:canary#rest@localhost:6379",
            "the redis broker cannot be reached: its URL cannot be read",
        ),
        ("BROKER_URL", "carrier-pigeon://", "carrier-pigeon:// cannot be reached: 'No such transport: carrier-pigeon'"),
        ("BROKER_URL", "nonsense", "COSTWATCH_BROKER_URL is no broker's address"),
        ("BROKER_URL", "redis://h:bad/0", "COSTWATCH_BROKER_URL is no broker's address"),
        ("BROKER_URL", "redis://[::1", "COSTWATCH_BROKER_URL is no broker's address"),
        ("BROKER_URL", "http://x", "the broker http:// of COSTWATCH_BROKER_URL loses messages"),
        ("HTTPS_PROXY", "proxy", "COSTWATCH_HTTPS_PROXY is not a URL"),
        ("HTTPS_PROXY", "http://[::1", "COSTWATCH_HTTPS_PROXY is not a URL"),
        ("HTTPS_PROXY", "http://x:bad", "COSTWATCH_HTTPS_PROXY is not a URL"),
        ("CA_BUNDLE", "/nowhere.pem", "COSTWATCH_CA_BUNDLE names /nowhere.pem, which cannot be used: No such file"),
        ("PRICES_FILE", "/nowhere.toml", "prices cannot be used: COSTWATCH_PRICES_FILE /nowhere.toml cannot be read"),
    ],
)
def test_a_wrong_setting_fails_by_name(
    doctor: Doctor, real: SandboxServer, settings: Any, name: str, value: str, what: str
) -> None:
    setattr(settings, name, value)
    status, lines = doctor()
    assert status == 1
    assert the(what, lines)["mark"] == "fail"
    assert "canary" not in json.dumps(lines)


def test_an_overlay_with_mistakes_names_the_command_that_shows_them_all(
    doctor: Doctor, real: SandboxServer, settings: Any, tmp_path: Path
) -> None:
    overlay = tmp_path / "ours.toml"
    overlay.write_text("nonsense = ")
    settings.PRICES_FILE = str(overlay)
    _, lines = doctor()
    assert the("prices cannot be used", lines)["do"] == f"See every problem: python -m pricing check {overlay}"


def test_a_key_file_others_can_read_is_named_with_the_command_that_closes_it(
    doctor: Doctor, real: SandboxServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    path.write_text(real.admin_key + "\n")
    path.chmod(0o644)
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(path))
    _, lines = doctor()
    assert the(f"others on this machine may read or change {path} (mode 0644)", lines)["do"] == f"chmod 600 {path}"
    assert the(f"{VARIABLE} is set too and not used", lines)["mark"] == "warn"
    path.chmod(0o600)
    _, lines = doctor()
    assert not [line for line in lines if line["what"].startswith("others on this machine")]


def test_a_missing_key_file_fails_and_says_where_the_key_goes(
    doctor: Doctor, real: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{VARIABLE}_FILE", "/nowhere/key")
    status, lines = doctor()
    assert status == 1
    assert the(f"{VARIABLE}_FILE names /nowhere/key, which cannot be read", lines)["mark"] == "fail"


def test_no_secret_is_printed(
    doctor: Doctor, real: SandboxServer, settings: Any, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    monkeypatch.setattr(rights, "SECONDS", 0.2)
    monkeypatch.setenv(VARIABLE, "sk-ant-admin01-canary-canary-canary")
    settings.BROKER_URL = f"redis://user:canary-broker@{silent}/0"
    settings.HTTPS_PROXY = f"http://user:canary-proxy@{silent}"
    settings.SECRET_KEY = "canary-secret-key"
    _, lines = doctor()
    assert "canary" not in json.dumps(lines)
    assert the("requests go through the proxy 127.0.0.1:", lines)["mark"] == "ok"


def test_a_database_of_the_other_kind_fails(doctor: Doctor, real: SandboxServer, now: datetime) -> None:
    Installation.objects.create(pk=1, kind="sandbox", anchor=now, frozen_now="2026-11-20T14:05:00Z")
    status, lines = doctor()
    assert status == 1
    (told,) = [what for mark, what in of("Database", lines) if mark == "fail"]
    assert "holds a sandbox, and this start is for a real organization" in told


def test_a_running_server_is_seen_by_its_lock(doctor: Doctor, real: SandboxServer, tmp_path: Path) -> None:
    _, lines = doctor()
    assert the("costwatch is not running", lines)["mark"] == "note"
    with (tmp_path / "up.lock").open("w") as lock:
        lock.write("process 4711, http://127.0.0.1:8000")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        _, lines = doctor()
    assert the("costwatch runs on this folder (process 4711, http://127.0.0.1:8000)", lines)["mark"] == "ok"


def test_after_a_sync_each_source_is_fresh_without_a_gap(doctor: Doctor, real: SandboxServer, run: Sync) -> None:
    run()
    status, lines = doctor()
    assert status == 0
    told = of("Data", lines)
    assert ("ok", "directory: read 2026-11-20 14:05 UTC") in told
    assert ("ok", "cost: fresh until 2026-11-20 14:05 UTC") in told
    assert ("ok", "cost: no gap in 15 days since 2026-11-06") in told
    assert ("ok", "usage: fresh until 2026-11-20 14:05 UTC") in told
    assert ("ok", "usage: no gap in 351 hours since 2026-11-06") in told
    assert [mark for mark, what in told if "have no price and are in no total" in what] == ["warn"]


def test_gaps_and_history_still_to_come_are_counted(
    doctor: Doctor, real: SandboxServer, run: Sync, settings: Any
) -> None:
    run("cost")
    Coverage.objects.filter(start__in=[datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC)]).delete()
    settings.BACKFILL_SINCE = "2026-11-01"
    _, lines = doctor()
    assert the("cost: 2 days missing since 2026-11-06", lines)["mark"] == "warn"
    assert the("cost: 5 days of older history not read yet", lines)["mark"] == "note"
    assert the("usage: not read yet", lines)["do"] == "Start make run, or manage.py sync --source usage."


def test_failing_paused_and_closed_sources_tell_their_last_error(
    doctor: Doctor, real: SandboxServer, run: Sync, now: datetime
) -> None:
    run()
    Source.objects.filter(name="usage").update(failures=3, last_error="503 overloaded_error: Overloaded\nand 2 more")
    Source.objects.filter(name="cost").update(
        failures=10, last_error="401 authentication_error: invalid x-api-key", paused_until=now + timedelta(minutes=15)
    )
    Source.objects.filter(name="directory").update(available=False, reason="403 permission_error: No.")
    status, lines = doctor()
    assert status == 1
    told = of("Data", lines)
    assert (
        "fail",
        "usage: fresh until 2026-11-20 14:05 UTC; failing (3 in a row), last: 503 overloaded_error: Overloaded",
    ) in told
    assert (
        "fail",
        "cost: fresh until 2026-11-20 14:05 UTC; paused until 2026-11-20 14:20 UTC after 10 failures: "
        "401 authentication_error: invalid x-api-key",
    ) in told
    assert ("warn", "directory: closed to this key: 403 permission_error: No.") in told
    Source.objects.filter(name="directory").update(reason="404 not_found_error: No.")
    assert ("warn", "directory: not there for this organization: 404 not_found_error: No.") in of("Data", doctor()[1])


def test_a_source_that_was_not_read_for_long_is_late(
    doctor: Doctor, real: SandboxServer, run: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("cost")
    Source.objects.filter(name="cost").update(last_success_at=datetime.now(UTC) - timedelta(hours=4))
    monkeypatch.delenv("COSTWATCH_NOW")
    _, lines = doctor()
    assert "; late, last read " in the("cost: fresh until 2026-11-20 14:05 UTC", lines)["what"]


def test_what_could_not_be_recorded_or_priced_is_counted(
    doctor: Doctor, real: SandboxServer, run: Sync, now: datetime
) -> None:
    run()
    organization = Organization.objects.get()
    hour = datetime(2026, 11, 12, 9, tzinfo=UTC)
    Coverage.objects.filter(source="usage", start=hour).update(state=State.INCONSISTENT)
    Quarantined.objects.create(
        organization=organization,
        source="usage",
        bucket_start=hour,
        reason="Expected `int`",
        raw="{}",
        seen_at=now,
        run=1,
    )
    Novelty.objects.create(
        organization=organization, source="usage", path="moon_phase", first_seen_at=now, last_seen_at=now, seen=1
    )
    SeriesDay.objects.filter(series=Series.objects.order_by("pk").first()).update(held=True)
    status, lines = doctor()
    assert status == 1
    odd = the("1 hour did not add up", lines)
    assert (odd["mark"], odd["do"][-49:]) == ("warn", "manage.py sync --source usage --since 2026-11-12.")
    assert the("1 report row could not be recorded", lines)["what"].endswith("Expected `int`")
    assert "usage: moon_phase" in next(line for line in lines if "unknown to this version" in line["what"])["what"]
    (held,) = [line for line in lines if "too large for SQLite" in line["what"]]
    assert (held["mark"], held["do"][:18]) == ("fail", "Move to PostgreSQL")
