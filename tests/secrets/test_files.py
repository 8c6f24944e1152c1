"""Credentials in files and the environment: read again when they change, refused when others may read them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from costwatch.ingest.connect import client as client_of
from costwatch.ingest.examine.boot import mistakes
from costwatch.secrets import configured
from costwatch.secrets.apps import pepper_of
from costwatch.upstream import organization
from costwatch.upstream.credential import MissingCredential, Secret, redact, set_pepper

from .conftest import Vendor

Write = Callable[..., Path]


@pytest.fixture
def keys(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys, and no other credential."""
    settings.SANDBOX = False
    monkeypatch.delenv("COSTWATCH_ADMIN_KEY", raising=False)
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("COSTWATCH_ADMIN_KEYS_DIR", str(folder))
    return folder


def put(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def shown() -> dict[str, tuple[str, str]]:
    return {one.label: (one.kind, one.read().reveal()) for one in configured.credentials()}


def test_a_folder_holds_a_credential_for_each_organization_and_changes_take_effect_at_once(keys: Path) -> None:
    put(keys, "acme", "sk-ant-admin01-acme")
    put(keys, "globex.token", "a-token-of-globex")
    put(keys, ".hidden", "an editor's")
    assert shown() == {
        "acme": ("Admin key", "sk-ant-admin01-acme"),
        "globex": ("Bearer token", "a-token-of-globex"),
    }
    put(keys, "acme", "sk-ant-admin01-acme-2")
    put(keys, "initech", "sk-ant-admin01-initech")
    (keys / "globex.token").unlink()
    assert shown() == {
        "acme": ("Admin key", "sk-ant-admin01-acme-2"),
        "initech": ("Admin key", "sk-ant-admin01-initech"),
    }


def test_a_folder_without_a_file_is_named_where_a_key_is_asked_for(keys: Path) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("sync")
    assert f"no Admin key: {keys}, which COSTWATCH_ADMIN_KEYS_DIR names, has no file in it" in str(refused.value)
    assert "or the file into the folder that COSTWATCH_ADMIN_KEYS_DIR names" in str(refused.value)


def test_an_organization_has_a_key_or_a_token_and_never_both(
    keys: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    put(keys, "acme", "sk-ant-admin01-acme")
    token = put(keys, "acme.token", "a-token")
    with pytest.raises(MissingCredential, match="holds an Admin key and a Bearer token for 'acme'"):
        configured.credentials()
    token.unlink()
    monkeypatch.setenv("COSTWATCH_BEARER_TOKEN_FILE", str(write("token", "a-token")))
    assert set(shown()) == {"", "acme"}
    monkeypatch.setenv("COSTWATCH_ADMIN_KEY", "sk-ant-admin01-another")
    with pytest.raises(CommandError) as refused:
        call_command("sync")
    assert str(refused.value).splitlines() == [
        "an Admin key and a Bearer token are both configured (COSTWATCH_ADMIN_KEY and COSTWATCH_BEARER_TOKEN_FILE). "
        "One organization is read with one of them; unset the other."
    ]


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [(0o640, "may read or change .*acme .mode 0640."), (0o604, "mode 0604"), (0o620, "mode 0620")],
)
def test_a_file_that_others_may_read_is_refused_at_the_start(keys: Path, mode: int, sentence: str) -> None:
    put(keys, "acme", "sk-ant-admin01-acme", mode)
    with pytest.raises(CommandError, match=sentence):
        call_command("sync")


def test_a_file_of_another_user_and_a_folder_that_others_may_change_are_refused(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(keys, "acme", "sk-ant-admin01-acme")
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(CommandError, match="belongs to another user"):
        call_command("sync")
    keys.chmod(0o777)
    with pytest.raises(CommandError, match=r"others on this machine may change .*keys \(mode 0777\)"):
        call_command("sync")


@pytest.mark.parametrize("name", ["two words", "-x", "a" * 70, "é"])
def test_a_name_that_is_no_label_is_refused(keys: Path, name: str) -> None:
    put(keys, name, "sk-ant-admin01-acme")
    with pytest.raises(MissingCredential, match="has a name that is no label"):
        configured.credentials()


def test_a_bearer_token_is_sent_alone_and_one_that_is_replaced_is_sent_from_then_on(
    keys: Path, vendor: Vendor, settings: Any, db: None
) -> None:
    settings.UPSTREAM_URL = vendor.url
    put(keys, "acme.token", "token-one")
    with client_of("acme") as opened:
        organization.me(opened)
        # As a workload identity's agent does it: a new file takes the place of the old one at once.
        put(keys, ".new", "token-two").replace(keys / "acme.token")
        organization.me(opened)
        put(keys, "acme.token", "token-3")
        organization.me(opened)
    assert [sent["authorization"] for sent in vendor.seen] == ["Bearer token-one", "Bearer token-two", "Bearer token-3"]
    assert all("x-api-key" not in sent for sent in vendor.seen)


def test_an_admin_key_is_sent_alone(keys: Path, vendor: Vendor, settings: Any, db: None) -> None:
    settings.UPSTREAM_URL = vendor.url
    put(keys, "acme", "sk-ant-admin01-acme")
    with client_of("acme") as opened:
        organization.me(opened)
    (sent,) = vendor.seen
    assert (sent["x-api-key"], "authorization" in sent) == ("sk-ant-admin01-acme", False)


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Tue, 01 Jan 2030 00:00:00 GMT", True),
        ("Mon, 01 Jan 2024 00:00:00 GMT", True),
        ("nonsense", False),
        ("", False),
    ],
)
def test_http_15_the_vendors_clock_is_compared_with_ours(
    keys: Path, vendor: Vendor, settings: Any, db: None, date: str, skew: bool
) -> None:
    settings.UPSTREAM_URL, vendor.date = vendor.url, date
    put(keys, "acme", "sk-ant-admin01-acme")
    with client_of("acme") as opened:
        organization.me(opened)
        apart = opened.traffic.skew_seconds
    assert (apart is not None and abs(apart) > 60) is skew


def test_a_fingerprint_belongs_to_this_installation_and_is_no_hash_of_the_key_alone() -> None:
    from django.conf import settings

    key = "sk-ant-admin01-0123456789-wxyz"
    try:
        set_pepper(pepper_of("one installation"))
        here = Secret(key).fingerprint
        set_pepper(pepper_of("another installation"))
        there = Secret(key).fingerprint
    finally:
        set_pepper(pepper_of(settings.SECRET_KEY))
    assert (here[-5:], there[-5:], here[:8] != there[:8]) == ("…wxyz", "…wxyz", True)
    assert len(here) == 13


def test_a_token_of_no_known_shape_is_cut_out_of_sentences_too() -> None:
    Secret("opaque-token-of-somebody-0001", is_bearer=True)
    assert (
        redact("the vendor said: opaque-token-of-somebody-0001 is bad") == "the vendor said: sk-ant-[redacted] is bad"
    )
    assert "eyJ" not in redact("expired: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")


@pytest.mark.parametrize("role", ["web", "chores", "beat", "migration"])
@pytest.mark.parametrize("mode", ["files", "database"])
def test_sec_08_a_process_that_does_not_read_looks_at_no_credential(
    settings: Any, monkeypatch: pytest.MonkeyPatch, db: None, client: Any, admin_user: Any, role: str, mode: str
) -> None:
    settings.SANDBOX, settings.ROLE, settings.CREDENTIALS = False, role, mode
    for name in ("ADMIN_KEY_FILE", "BEARER_TOKEN_FILE", "ADMIN_KEYS_DIR", "KEK_FILE"):
        monkeypatch.setenv(f"COSTWATCH_{name}", "/nowhere/at-all")
    assert not [one for one in mistakes() if "/nowhere" in one or "Admin key" in one or "COSTWATCH_KEK_FILE" in one]
    client.force_login(admin_user)
    assert {client.get(path).status_code for path in ("/", "/workspaces/", "/healthz")} == {200}
    settings.ROLE = "worker"
    assert [one for one in mistakes() if "Admin key" in one or "COSTWATCH_KEK_FILE" in one]
