"""Several organizations in one database: each with a credential, a pace and a circuit breaker of its own."""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import tasks
from costwatch.ingest.connect import client
from costwatch.ingest.models import Installation, Run, Source
from costwatch.insights.query import question
from costwatch.insights.reports import report
from costwatch.ledger.models import Fact
from costwatch.secrets.models import Credential
from costwatch.upstream import organization as lists
from costwatch.upstream.errors import UpstreamError
from pricing.money import parse_usd
from tests.secrets.conftest import everything_in_the_database

from .two_organizations import KEYS, SECRETS, TOKENS, Front, two_organizations

SINCE, UNTIL = date(2026, 11, 18), date(2026, 11, 21)


@pytest.fixture
def front(now: datetime) -> Iterator[Front]:
    with two_organizations(now) as made:
        yield made


@pytest.fixture
def folder(front: Front, db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that reads both: acme with an Admin key, globex with a Bearer token."""
    settings.SANDBOX, settings.UPSTREAM_URL, settings.BACKFILL_SINCE = False, front.url, SINCE.isoformat()
    settings.DATA_DIR = tmp_path
    monkeypatch.delenv("COSTWATCH_ADMIN_KEY", raising=False)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    put(keys, "acme", KEYS["acme"])
    put(keys, "globex.token", TOKENS["globex"])
    monkeypatch.setenv("COSTWATCH_ADMIN_KEYS_DIR", str(keys))
    for name in ("run_source", "ring", "meet"):
        monkeypatch.setattr(getattr(tasks, name), "delay", lambda *_, **__: None)
    return keys


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)


def sync(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    out, status = io.StringIO(), 0
    try:
        call_command("sync", "--format", "json", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        status = int(end.code or 0)
    return status, json.loads(out.getvalue())["runs"]


def of(front: Front, name: str) -> Organization:
    return Organization.objects.get(external_id=front.organization(name))


def assert_equals_truth(front: Front) -> None:
    """Per organization, workspace and model: every count, and both amounts to the pico-dollar."""
    names = ("organization_id", "workspace_id", "model")
    rows = report("spend", question(since=SINCE, until=UNTIL, interval="total", group_by=names))["rows"]
    ours = {tuple(row[name] for name in names): row for row in rows}
    seen = 0
    for name, server in front.servers.items():
        truth = server.truth.totals(clock.midnight(SINCE), clock.midnight(UNTIL), group_by=names[1:])
        expected = {key: one for key, one in truth.items() if any(one.counts) or one.reported}
        identity = front.organization(name)
        assert {key[1:] for key in ours if key[0] == identity} == expected.keys()
        for key, one in expected.items():
            row = ours[(identity, *key)]
            assert parse_usd(row["list_low_usd"]) == one.list_low
            assert parse_usd(row["list_high_usd"]) == one.list_high
            assert row["output_tokens"] == one.output_tokens
            assert parse_usd(row["reported_usd"]) == one.reported
            seen += 1
    assert seen == len(ours) > 40


# -- reading ------------------------------------------------------------------------------------------------------


def test_two_organizations_are_read_into_one_database_each_equal_to_its_own_truth(folder: Path, front: Front) -> None:
    status, runs = sync()
    assert status == 0
    assert {run["organization"] for run in runs} == {front.organization("acme"), front.organization("globex")}
    assert {run["outcome"] for run in runs} == {"succeeded"}
    assert_equals_truth(front)
    assert {one.external_id: one.credential for one in Organization.objects.all()} == {
        front.organization("acme"): "acme",
        front.organization("globex"): "globex",
    }


def test_sync_reads_one_organization_by_its_id_or_label(folder: Path, front: Front) -> None:
    status, runs = sync("--organization", "globex", "--source", "directory")
    assert (status, [run["organization"] for run in runs]) == (0, [front.organization("globex")])
    assert front.asked["acme"] == 0
    status, runs = sync("--organization", front.organization("globex"), "--source", "cost")
    assert (status, [run["organization"] for run in runs]) == (0, [front.organization("globex")])
    with pytest.raises(CommandError, match=r"no credential reads the organization 'initech'; there are: .*acme"):
        sync("--organization", "initech")


def test_the_tasks_meet_both_and_read_each_with_its_own_credential(folder: Path, front: Front) -> None:
    Installation.objects.create(kind="real", anchor=clock.now())
    tasks.meet()
    assert Installation.objects.get().connect_error == ""
    acme, globex = of(front, "acme"), of(front, "globex")
    before = dict(front.asked)
    tasks.run_source(globex.pk, "cost")
    assert (front.asked["acme"], front.asked["globex"] > before["globex"]) == (before["acme"], True)
    assert list(Run.objects.values_list("organization", "outcome")) == [(globex.pk, "succeeded")]
    tasks.run_source(acme.pk, "cost")
    assert front.asked["acme"] > before["acme"]
    # Meeting again asks nobody: both are known.
    before = dict(front.asked)
    tasks.meet()
    assert dict(front.asked) == before


def test_http_14_an_organization_has_four_requests_open_however_many_clients_read_it(
    folder: Path, front: Front
) -> None:
    front.latency = 0.1
    clients = [client(name) for name in ("acme", "acme", "acme", "globex")]
    threads = [Thread(target=lists.me, args=(one,)) for one in clients for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in clients:
        one.__exit__()
    assert (front.most["acme"], front.most["globex"] <= 4, dict(front.asked)) == (4, True, {"acme": 18, "globex": 6})


# -- what fails ---------------------------------------------------------------------------------------------------


def test_a_second_credential_of_an_organization_is_refused_and_nothing_is_read_twice(
    folder: Path, front: Front
) -> None:
    put(folder, "zweit", KEYS["acme"])
    status, runs = sync("--source", "cost")
    assert status == 1
    (failed,) = [run for run in runs if run["outcome"] == "failed"]
    assert failed["organization"] == "zweit"
    assert "the Admin key 'zweit' and the Admin key 'acme' belong to the same organization" in failed["error"]
    assert [run["outcome"] for run in runs if run is not failed] == ["succeeded", "succeeded"]
    assert Organization.objects.count() == 2


def test_http_10_a_refused_credential_pauses_its_own_organization_and_is_not_tried_for_a_quarter_of_an_hour(
    folder: Path, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installation.objects.create(kind="real", anchor=clock.now())
    sync("--source", "directory")
    acme, globex = of(front, "acme"), of(front, "globex")
    front.refused.add(KEYS["acme"])
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:20:00Z")
    before = front.asked["acme"]
    for _ in range(3):
        for name in ("cost", "usage", "limits"):
            tasks.run_source(acme.pk, name)
            tasks.run_source(globex.pk, name)
        tasks.meet()
    # The name, and usage, which might be allowed without it: once.
    assert front.asked["acme"] - before == 2
    paused = Source.objects.filter(organization=acme, name__in=("cost", "usage", "limits"))
    assert {clock.rfc3339(one.paused_until) for one in paused if one.paused_until} == {"2026-11-20T14:35:00Z"}
    assert all("401 authentication_error" in one.last_error for one in paused)
    assert not Source.objects.filter(organization=globex, paused_until__isnull=False).exists()
    assert set(Run.objects.filter(organization=globex).values_list("outcome", flat=True)) == {"succeeded"}
    refused = Run.objects.get(organization=acme, outcome="failed")
    assert (refused.source, refused.started_at, refused.finished_at) == ("cost", clock.now(), clock.now())
    assert refused.error.startswith("401 authentication_error")
    assert set(Source.objects.filter(organization=acme).values_list("failures", flat=True)) == {1}
    assert Installation.objects.get().connect_error.startswith("acme: 401 authentication_error")

    # A key that was replaced is tried at once.
    put(folder, "acme", TOKENS["acme"])
    (folder / "acme").rename(folder / "acme.token")
    tasks.meet()
    assert not Source.objects.filter(organization=acme, paused_until__isnull=False).exists()
    assert Installation.objects.get().connect_error == ""
    assert Credential.objects.get(label="acme").kind == "Bearer token"


def test_a_refusal_that_has_passed_is_over_for_every_source_with_the_first_that_is_read(
    folder: Path, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of them have nothing to read for hours: what they say of the credential is not so any more."""
    Installation.objects.create(kind="real", anchor=clock.now())
    sync("--source", "directory")
    acme = of(front, "acme")
    Source.objects.get_or_create(organization=acme, name="claude_code")
    front.refused.add(KEYS["acme"])
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:20:00Z")
    tasks.run_source(acme.pk, "cost")
    assert not Source.objects.filter(organization=acme, failures=0).exists()
    front.refused.clear()
    monkeypatch.setenv("COSTWATCH_NOW", "2026-11-20T14:40:00Z")
    tasks.run_source(acme.pk, "cost")
    assert not Source.objects.filter(organization=acme, failures__gt=0).exists()
    assert not Source.objects.filter(organization=acme, paused_until__isnull=False).exists()


def test_a_refused_credential_that_was_never_met_is_tried_again_after_a_quarter_of_an_hour(
    folder: Path, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installation.objects.create(kind="real", anchor=clock.now())
    front.refused.add(KEYS["acme"])
    asked = []
    for minute in (5, 6, 19, 20):
        monkeypatch.setenv("COSTWATCH_NOW", f"2026-11-20T14:{minute:02}:00Z")
        tasks.meet()
        asked.append(front.asked["acme"])
    assert asked == [2, 2, 2, 4]


def test_a_credential_that_is_gone_leaves_its_facts_and_every_place_says_so(folder: Path, front: Front) -> None:
    Installation.objects.create(kind="real", anchor=clock.now())
    sync("--source", "directory", "--source", "usage")
    acme = of(front, "acme")
    facts = Fact.objects.filter(series__organization=acme.pk).count()
    (folder / "acme").unlink()
    tasks.meet()
    before = front.asked["acme"]
    tasks.ring()
    tasks.run_source(acme.pk, "usage")
    assert (front.asked["acme"], Fact.objects.filter(series__organization=acme.pk).count()) == (before, facts)
    assert facts > 0
    assert set(Source.objects.filter(organization=acme).values_list("available", "reason")) == {
        (False, "no credential reads this organization any more")
    }
    status, runs = sync("--source", "directory")
    assert (status, [(run["organization"], run["outcome"]) for run in runs]) == (
        0,
        [(front.organization("globex"), "succeeded"), (front.organization("acme"), "not read")],
    )
    said = io.StringIO()
    call_command("doctor", stdout=said, no_color=True)
    assert "WARN  no credential reads the organization 'Example Inc'; what was read of it stays" in said.getvalue()
    # Put back, it is read on.
    put(folder, "acme", KEYS["acme"])
    tasks.meet()
    assert of(front, "acme").credential == "acme"
    assert not Source.objects.filter(organization=acme, available=False).exists()


def test_a_label_whose_file_holds_another_organizations_key_changes_sides_and_mixes_nothing(
    folder: Path, front: Front
) -> None:
    sync("--source", "directory")
    acme, globex = of(front, "acme"), of(front, "globex")
    put(folder, "acme", KEYS["globex"])
    put(folder, "globex.token", TOKENS["acme"])
    tasks.run_source(acme.pk, "cost")
    assert not Run.objects.filter(source="cost").exists()
    assert (of(front, "acme").is_read, of(front, "globex").credential) == (False, "acme")
    tasks.meet()
    assert (of(front, "acme").credential, of(front, "globex").credential) == ("globex", "acme")
    tasks.run_source(acme.pk, "cost")
    tasks.run_source(globex.pk, "cost")
    sync()
    assert_equals_truth(front)


def test_the_doctor_speaks_about_each(folder: Path, front: Front) -> None:
    sync("--source", "directory")
    front.refused.add(TOKENS["globex"])
    said = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=said, no_color=True)
    acme, _, globex = said.getvalue().partition("\nUpstream, globex\n")
    assert (
        f"ok    organization: 'Example Inc' ({front.organization('acme')})" in acme.partition("\nUpstream, acme\n")[2]
    )
    assert "401 authentication_error" in globex
    assert "The Bearer token must be valid now and have the scope org:admin" in globex
    assert not any(secret in said.getvalue() for secret in SECRETS)


# -- no secret anywhere -------------------------------------------------------------------------------------------


def test_sec_01_with_keys_in_files_no_byte_of_them_is_in_the_database(folder: Path, front: Front) -> None:
    sync("--source", "directory", "--source", "cost")
    front.refused |= set(SECRETS)
    sync("--source", "directory")
    kept = everything_in_the_database()
    assert front.organization("acme") in kept
    assert "CANARY" not in kept
    if connection.vendor == "sqlite":
        assert "CANARY" not in "\n".join(connection.connection.iterdump())


@pytest.mark.parametrize("signed_in", [True, False])
def test_sec_02_sec_10_no_page_and_no_answer_of_the_api_shows_a_secret(
    folder: Path, front: Front, signed_in: bool
) -> None:
    Installation.objects.create(kind="real", anchor=clock.now())
    sync("--source", "directory", "--source", "cost")
    front.refused |= set(SECRETS)
    sync("--source", "directory")
    tasks.meet()
    browser = Client(raise_request_exception=False)
    if signed_in:
        browser.force_login(User.objects.create_superuser("ada"))
    fillers = {"workspace": ["default"], "sign_in_link": ["x"]}
    addresses = set()
    for name in (key for key in get_resolver().reverse_dict if isinstance(key, str)):
        for arguments in (fillers.get(name, []), ["default"], ["spend"], ["1"]):
            try:
                addresses.add(reverse(name, args=arguments))
                break
            except NoReverseMatch:
                continue
    api = ("organizations", "workspaces", "keys", "coverage", "reports/spend", "schema/", "docs/")
    addresses |= {f"/api/v1/{one}" for one in api}
    assert len(addresses) > 15
    for address in sorted(addresses):
        for method in ("get", "options", "post"):
            answer = getattr(browser, method)(address, {"credential": "x"})
            body = answer.getvalue() if answer.streaming else answer.content
            assert b"CANARY" not in body, address
            assert "CANARY" not in str(answer.headers), address


def test_http_09_a_token_that_the_vendor_repeats_is_in_no_error(folder: Path, front: Front) -> None:
    front.refused.add(TOKENS["globex"])
    with client("globex") as opened, pytest.raises(UpstreamError) as refused:
        lists.me(opened)
    assert "CANARY" not in str(refused.value)
