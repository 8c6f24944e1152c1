"""The commands, as a person would type them."""

import io
import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from costwatch.directory.models import Organization
from costwatch.ingest.installation import WrongDatabase, ensure
from costwatch.ingest.models import Installation, Run, Source
from costwatch.ingest.progress import progress
from costwatch.ingest.tasks import ring, run_source
from costwatch.ledger.models import Fact
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import Sync

MANAGE = str(Path(django_settings.BASE_DIR) / "manage.py")


@pytest.fixture
def real(upstream: SandboxServer, settings: object) -> SandboxServer:
    """The commands take the sandbox for a real organization."""
    settings.SANDBOX = False  # type: ignore[attr-defined]
    return upstream


def sync(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("sync", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as stop:
        return out.getvalue(), int(stop.code or 0)
    return out.getvalue(), 0


def test_sync_refuses_days_that_have_not_come(real: SandboxServer, db: None) -> None:
    with pytest.raises(CommandError, match="--since 2027-01-01 has not come yet"):
        sync("--since", "2027-01-01")
    assert not real.requests


def test_sync_reads_everything_and_the_second_sync_changes_nothing(
    real: SandboxServer, db: None, settings: object
) -> None:
    settings.BACKFILL_SINCE = "2026-11-14"  # type: ignore[attr-defined]
    first, code = sync("--format", "json")
    assert code == 0
    assert [run["outcome"] for run in json.loads(first)["runs"]] == ["succeeded"] * 7
    facts = Fact.objects.count()
    second, code = sync("--format", "json")
    assert [run["outcome"] for run in json.loads(second)["runs"]] == ["succeeded"] * 2 + ["nothing due"] * 5
    assert (Fact.objects.count(), code) == (facts, 0)


def test_what_an_organization_does_not_have_is_no_failure_unless_it_was_asked_for(
    real: SandboxServer, db: None, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-20"  # type: ignore[attr-defined]
    no = '{"type": "error", "error": {"type": "not_found_error", "message": "no such report"}}'
    real.faults.add("body", "analytics", times=None, status=404, text=no)
    text, code = sync()
    assert "analytics: not available, 0 of" in text
    assert code == 0
    assert "analytics: not available (404 not_found_error: no such report" in sync()[0]
    assert sync("--source", "analytics")[1] == 1
    assert set(Run.objects.filter(source="analytics").values_list("outcome", flat=True)) == {"closed"}
    closed = Source.objects.get(name="analytics")
    assert (closed.available, closed.failures, closed.last_error) == (False, 0, "")
    # Without usage there is nothing to show: it is asked again each time.
    fault = real.faults.add("body", "usage_report", times=None, status=403, text=no.replace("not_found", "permission"))
    assert sync("--since", "2026-11-20")[1] == 1
    text, code = sync()
    assert "usage: not available (403" in text
    assert code == 1
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:20:00Z")
    asked = len(real.requests)
    text, code = sync("--source", "usage")
    assert "usage: not available, 0 of" in text
    assert (code, len(real.requests) > asked) == (1, True)
    fault.times = 0
    assert sync()[1] == 0


def test_a_source_that_waits_for_names_and_one_that_nobody_could_connect_to_are_told(
    real: SandboxServer, db: None, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKFILL_SINCE = "2026-11-20"  # type: ignore[attr-defined]
    real.faults.add("lost_token", path="organizations/workspaces", times=None)
    assert "directory: failed" in sync("--source", "directory")[0]
    assert sync("--source", "limits") == ("limits: waits (waits for the directory, which was not read yet)\n", 1)
    real.faults.clear()
    assert sync()[1] == 0
    real.faults.add("unauthorized", times=None)
    with pytest.raises(CommandError, match="401 authentication_error"):
        sync("--source", "cost")
    refused = Run.objects.latest("pk")
    assert (refused.source, refused.outcome, refused.requests, len(refused.request_ids)) == ("cost", "failed", 1, 1)
    assert set(Source.objects.values_list("failures", flat=True)) == {1}
    assert Installation.objects.get().connect_error.startswith("401 authentication_error")
    real.faults.clear()
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:30:00Z")
    assert sync("--source", "usage")[1] == 0
    assert set(Source.objects.values_list("failures", flat=True)) == {0}
    assert Installation.objects.get().connect_error == ""


def test_sync_of_one_source_and_span_reads_just_that(real: SandboxServer, db: None) -> None:
    text, code = sync("--source", "usage", "--since", "2026-11-10", "--until", "2026-11-12")
    assert code == 0
    assert text.startswith("usage: succeeded, 1 of 1 windows")
    days = {moment.date().isoformat() for moment in Fact.objects.values_list("bucket_start", flat=True)}
    assert days == {"2026-11-10", "2026-11-11"}


def test_sync_says_which_window_failed_and_why_and_exits_1(real: SandboxServer, db: None) -> None:
    real.faults.add("lost_token", path="cost_report", times=None)
    text, code = sync("--source", "cost")
    assert code == 1
    assert "cost: failed" in text
    assert "$.has_more is true but $.next_page is null" in text
    assert "2026-11-13 to 2026-11-21" in text


@pytest.mark.parametrize(
    "arguments",
    [("--since", "2026-02-30"), ("--since", "2026-11-12", "--until", "2026-11-12"), ("--source", "invoices")],
)
def test_sync_refuses_what_it_cannot_do(real: SandboxServer, db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        sync(*arguments)


def test_sync_without_a_key_starts_the_sandbox(db: None, now: datetime, settings: object) -> None:
    settings.BACKFILL_SINCE = "2026-11-18"  # type: ignore[attr-defined]
    settings.SANDBOX = True  # type: ignore[attr-defined]
    before = os.environ.get("COSTWATCH_ADMIN_KEY")
    try:
        _, code = sync()
    finally:
        if before is None:
            os.environ.pop("COSTWATCH_ADMIN_KEY", None)
    assert code == 0
    assert Organization.objects.get().name == "Example Inc"


def test_a_database_keeps_its_kind_and_a_sandbox_its_time(
    db: None, now: datetime, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX = True  # type: ignore[attr-defined]
    anchor = ensure().anchor
    assert ensure().anchor == anchor
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-21T00:00:00Z")
    with pytest.raises(WrongDatabase, match="Set COSTWATCH_NOW as it was"):
        ensure()
    settings.SANDBOX = False  # type: ignore[attr-defined]
    with pytest.raises(WrongDatabase, match="holds a sandbox"):
        ensure()
    assert Installation.objects.count() == 1


def test_the_tasks_do_what_is_due_and_nothing_twice(
    run: Sync, upstream: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.BACKFILL_SINCE = "2026-11-18"  # type: ignore[attr-defined]
    run("directory")
    rung: list[tuple[object, ...]] = []
    monkeypatch.setattr(run_source, "delay", lambda *arguments: rung.append(arguments))
    ring()
    organization = Organization.objects.get()
    assert [source for _, source in rung] == ["limits", "cost", "usage", "minutes", "analytics", "claude_code"]
    assert {number for number, _ in rung} == {organization.pk}
    run_source(organization.pk, "cost", a_later_argument="is ignored")
    for source in ("limits", "usage", "minutes", "analytics", "claude_code"):
        run_source(organization.pk, source)
    requests = len(upstream.requests)
    run_source(organization.pk, "usage")
    assert len(upstream.requests) == requests
    assert progress(organization).is_done
    rung.clear()
    ring()
    assert rung == []


@pytest.fixture
def local(tmp_path: Path) -> dict[str, str]:
    """The environment of a person with an empty folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COSTWATCH_") and k not in ("DATABASE_URL", "PORT")}
    return kept | {"COSTWATCH_DATA_DIR": str(tmp_path), "COSTWATCH_LOG_LEVEL": "ERROR"}


def test_up_names_another_port_when_its_own_is_in_use(local: dict[str, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, MANAGE, "up", "--port", str(port)], env=local, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1
    assert f"port {port} is in use by another program. Try another one: PORT=" in done.stderr


def test_up_refuses_a_data_folder_that_another_start_holds(local: dict[str, str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    first = subprocess.Popen(
        [sys.executable, MANAGE, "up", "--port", str(port)], env=local, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout
        for line in first.stdout:
            if line.startswith("costwatch is at"):
                assert line.strip() == f"costwatch is at http://127.0.0.1:{port}"
                break
        second = subprocess.run(
            [sys.executable, MANAGE, "up", "--port", "1"], env=local, capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 1
        assert "costwatch already runs on the data folder" in second.stderr
        assert f"process {first.pid}" in second.stderr
        first.terminate()
        assert first.wait(timeout=30) == 0
    finally:
        first.kill()
        first.communicate()
