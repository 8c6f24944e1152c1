"""Credentials in the database: entered, listed, replaced, wiped; unreadable anywhere but at their place."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from costwatch import clock
from costwatch.ingest.connect import CannotConnect, client, connect
from costwatch.secrets import configured, stored
from costwatch.secrets.models import Credential, SealedSecret
from costwatch.upstream.credential import MissingCredential, Secret
from costwatch.upstream.sandbox.server import SandboxServer

from .conftest import everything_in_the_database, kek

Write = Callable[..., Path]
OTHER = "sk-ant-admin01-sandbox-the-next-key-0000000000000BB"


def credential(*arguments: str, given: str = "", monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run the command as a person would: the secret comes on standard input. Shape: exit status, what it said."""
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    said = io.StringIO()
    try:
        call_command("credential", *arguments, stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    except CommandError as error:
        return 1, said.getvalue() + str(error)
    return 0, said.getvalue()


@pytest.fixture
def kept(in_database: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """An installation with one stored Admin key."""
    assert credential("add", given=in_database.admin_key + "\n", monkeypatch=monkeypatch)[0] == 0
    return in_database


def test_a_key_that_was_entered_reads_and_stands_in_no_table(
    in_database: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(in_database.requests)
    status, said = credential("add", given=in_database.admin_key + "\n", monkeypatch=monkeypatch)
    fingerprint = Secret(in_database.admin_key).fingerprint
    assert (status, said) == (
        0,
        f"Kept: Admin key {fingerprint} of Example Inc ({in_database.organization_id})\n",
    )
    assert [one.path for one in in_database.requests][asked:] == ["/v1/organizations/me"]
    assert in_database.admin_key not in everything_in_the_database()
    with client() as opened:
        assert connect(opened).organization.name == "Example Inc"
    assert "the Admin key" in credential("test", monkeypatch=monkeypatch)[1]


def test_sec_11_the_wrong_kind_is_refused_with_the_vendors_sentence_and_a_hint(
    in_database: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, sentence in (
        (in_database.ordinary_key, "This is an ordinary API key, made for calling models in one workspace"),
        ("sk-ant-admin01-wrong-wrong-wrong", "401 authentication_error: invalid x-api-key"),
        ("", "no Admin key in what was given"),
        ("sk-ant admin01", "characters no key has"),
    ):
        status, said = credential("add", given=given, monkeypatch=monkeypatch)
        assert (status, sentence in said) == (1, True), said
        assert not given or given not in said
    assert (Credential.objects.count(), SealedSecret.objects.count()) == (0, 0)


def test_sec_11_a_secret_is_never_an_argument() -> None:
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("credential", "add", "sk-ant-admin01-on-the-command-line")


def test_a_bearer_token_is_stored_and_sent_as_one(in_database: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    token = in_database.sandbox.keys.oauth
    # The sandbox takes it as a token only: sent as a key it would be refused.
    assert credential("add", given=token, monkeypatch=monkeypatch)[0] == 1
    status, said = credential("add", "--bearer", given=token, monkeypatch=monkeypatch)
    assert (status, said.startswith("Kept: Bearer token ")) == (0, True)
    with client() as opened:
        assert connect(opened).organization.external_id == in_database.organization_id


def test_one_organization_has_one_credential(kept: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = credential("add", "--label", "again", given=kept.admin_key, monkeypatch=monkeypatch)
    assert (status, "is read with" in said, "replace that one with rotate" in said) == (1, True, True)
    status, said = credential("add", given=kept.admin_key, monkeypatch=monkeypatch)
    assert (status, "there is a credential without a label" in said) == (1, True)


def test_sec_12_the_list_tells_age_use_and_who_set_it_and_warns_at_90_days(
    kept: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import getpass

    fingerprint = Secret(kept.admin_key).fingerprint
    _, said = credential("list", monkeypatch=monkeypatch)
    assert said == (
        f"the Admin key {fingerprint} from the database, of {kept.organization_id}: set 2026-11-20T14:05:00Z by "
        f"{getpass.getuser()}, 0 days old, last used 2026-11-20T14:05:00Z\n"
    )
    for days, warned in ((89, False), (90, True)):
        Credential.objects.update(set_at=clock.now() - timedelta(days=days))
        assert ("90 days old or more" in credential("list", monkeypatch=monkeypatch)[1]) is warned
    doctor = io.StringIO()
    call_command("doctor", stdout=doctor, no_color=True)
    assert "90 days old\n        -> Make a new one, replace it" in doctor.getvalue()


def test_sec_12_the_last_use_is_written_once_an_hour(kept: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(at: str) -> str:
        monkeypatch.setenv("COSTWATCH_NOW", at)
        with client() as opened:
            connect(opened)
        moment = Credential.objects.get().last_used_at
        assert moment
        return clock.rfc3339(moment)

    assert used("2026-11-20T14:10:00Z") == "2026-11-20T14:05:00Z"
    assert used("2026-11-20T15:04:59Z") == "2026-11-20T14:05:00Z"
    assert used("2026-11-20T15:05:00Z") == "2026-11-20T15:05:00Z"


def test_rotating_tries_the_new_secret_and_wipes_the_old_one(
    kept: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    before = SealedSecret.objects.get()
    status, said = credential("rotate", given="sk-ant-admin01-wrong-wrong-wrong", monkeypatch=monkeypatch)
    assert (status, SealedSecret.objects.get().pk) == (1, before.pk)
    kept.sandbox.keys = replace(kept.sandbox.keys, admin=OTHER)
    status, said = credential("rotate", given=OTHER, monkeypatch=monkeypatch)
    assert (status, "Delete it at https://console.anthropic.com" in said) == (0, True), said
    after = SealedSecret.objects.get()
    assert (after.pk != before.pk, Credential.objects.get().fingerprint) == (True, Secret(OTHER).fingerprint)
    with client() as opened:
        assert connect(opened).organization.name == "Example Inc"


def test_removing_wipes_and_keeps_what_was_read(kept: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytes(SealedSecret.objects.get().body)
    assert credential("remove", monkeypatch=monkeypatch)[0] == 0
    assert (Credential.objects.count(), SealedSecret.objects.count()) == (0, 0)
    assert body.decode("latin-1") not in everything_in_the_database()
    with pytest.raises(CannotConnect, match=r"add one with manage\.py credential add"):
        client()


def test_without_database_mode_the_command_says_where_credentials_are(
    upstream: SandboxServer, settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SANDBOX = False
    status, said = credential("add", given=upstream.admin_key, monkeypatch=monkeypatch)
    assert (status, "credentials come from files and the environment here" in said) == (1, True)
    assert credential("test", monkeypatch=monkeypatch)[0] == 0
    assert "the Admin key" in credential("list", monkeypatch=monkeypatch)[1]


# -- at its place only --------------------------------------------------------------------------------------------


def unreadable(match: str, caplog: pytest.LogCaptureFixture) -> None:
    """Reading says what happened and what to do, is logged, and shows no traceback."""
    caplog.clear()
    with pytest.raises(MissingCredential, match=match) as refused:
        configured.credentials()[0].read()
    assert "must be entered again" in str(refused.value)
    assert refused.value.do.startswith("Run manage.py credential rotate")
    assert any("cannot be decrypted" in record.getMessage() for record in caplog.records)
    said = io.StringIO()
    with pytest.raises((CommandError, SystemExit)) as ended:
        call_command("sync", verbosity=0, stdout=said)
    assert "must be entered again" in said.getvalue() + str(ended.value)


def test_http_06_a_key_is_bound_to_the_origin_it_was_entered_for(
    kept: SandboxServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    there = settings.UPSTREAM_URL
    settings.UPSTREAM_URL = "https://api.example.com"
    unreadable(f"it was entered for {there}, and the upstream is https://api.example.com", caplog)
    # Whoever changes the row's own word for it gains nothing.
    SealedSecret.objects.update(origin="https://api.example.com")
    unreadable("sealed for another place", caplog)
    settings.UPSTREAM_URL = there
    SealedSecret.objects.update(origin=there)
    assert configured.credentials()[0].read().reveal() == kept.admin_key


def test_sec_03_two_rows_whose_ciphertext_was_swapped_open_neither(
    kept: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    stored.add(label="two", secret=Secret(OTHER), organization="org-2", set_by="")
    one, two = Credential.objects.get(label="").sealed, Credential.objects.get(label="two").sealed
    assert one
    assert two
    bodies = [(one, two.wrapped, two.body), (two, one.wrapped, one.body)]
    for row, wrapped, body in bodies:
        SealedSecret.objects.filter(pk=row.pk).update(wrapped=wrapped, body=body)
    unreadable("sealed for another place", caplog)


def test_sec_03_a_secret_that_was_moved_beneath_another_credential_does_not_open(
    kept: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    stored.add(label="two", secret=Secret(OTHER), organization="org-2", set_by="")
    one, two = Credential.objects.get(label=""), Credential.objects.get(label="two")
    moved = two.sealed
    two.sealed = None
    two.save()
    one.sealed = moved
    one.save()
    unreadable("sealed for another place", caplog)


def test_sec_06_restored_elsewhere_without_the_master_key_the_app_runs_and_the_key_is_unreadable(
    kept: SandboxServer,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    client: Any,
    django_user_model: Any,
) -> None:
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("another", kek("k9"))))
    unreadable("its master key 'k1' is not in the file", caplog)
    client.force_login(django_user_model.objects.create_superuser("ada"))
    assert client.get("/").status_code == 200
    monkeypatch.delenv("COSTWATCH_KEK_FILE")
    assert client.get("/").status_code == 200
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("another", kek("k9"))))
    assert credential("rotate", given=kept.admin_key, monkeypatch=monkeypatch)[0] == 1
    kept.sandbox.keys = type(kept.sandbox.keys)(admin=OTHER)
    assert credential("rotate", given=OTHER, monkeypatch=monkeypatch)[0] == 0
    assert configured.credentials()[0].read().reveal() == OTHER


# -- the master key -----------------------------------------------------------------------------------------------


def test_sec_04_every_secret_is_wrapped_anew_and_the_old_key_can_be_deleted(
    kept: SandboxServer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        stored.add(label=f"l{number}", secret=Secret(f"{OTHER}{number}"), organization=f"org-{number}", set_by="")
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("two", f"{kek('k2')}\n{kek('k1')}")))
    assert credential("verify", monkeypatch=monkeypatch) == (1, "10 left on another key than the first\n")
    status, said = credential("rotate_kek", monkeypatch=monkeypatch)
    assert (status, said) == (
        0,
        "10 wrapped anew\n0 left on another key than the first: it can be deleted\n",
    )
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("new", kek("k2"))))
    opened = [one.read().reveal() for one in configured.credentials()]
    assert opened == [kept.admin_key, *(f"{OTHER}{number}" for number in range(9))]
    assert credential("rotate_kek", monkeypatch=monkeypatch)[1].startswith("0 wrapped anew")


def test_sec_04_one_that_cannot_be_opened_stops_no_other_and_is_counted(
    kept: SandboxServer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.add(label="two", secret=Secret(OTHER), organization="org-2", set_by="")
    SealedSecret.objects.filter(organization="org-2").update(body=os.urandom(60))
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("two", f"{kek('k2')}\n{kek('k1')}")))
    status, said = credential("rotate_kek", monkeypatch=monkeypatch)
    assert (status, "it must be entered again" in said, "1 wrapped anew\n1 left" in said) == (1, True, True)


def test_deleting_overwrites_in_sqlite(kept: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    credential("remove", monkeypatch=monkeypatch)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete")
            assert cursor.fetchone() == (1,)
