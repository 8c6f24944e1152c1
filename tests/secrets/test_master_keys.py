"""The master key file: no default, no sample, no short or shared key (SEC-05)."""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from costwatch.secrets import keyring

from .conftest import kek

ROOT = Path(__file__).resolve().parents[2]
Write = Callable[..., Path]
RANDOM = hashlib.sha256(b"a shared secret").digest()
SHARED = base64.b64encode(RANDOM).decode()


def encoded(key: bytes) -> str:
    return "k1:" + base64.b64encode(key).decode()


BAD = [
    ("", "holds no key"),
    ("not a key file", "key 1 in .* is not written as id:base64 of 32 bytes"),
    ("k1:%%%%", "key k1 in .* is not base64"),
    (encoded(b"short but no sample key"), "key k1 in .* has 23 bytes, not 32"),
    (encoded(bytes(32)), "key k1 in .* is not random"),
    (encoded(b"\xff" * 32), "is not random"),
    (encoded(bytes(range(32))), "is not random"),
    (encoded(b"change me, this is a sample key!"), "is not random"),
    (encoded(bytes([7, 9] * 16)), "is not random"),
    (f"k1:{SHARED}", "key k1 in .* is the same as COSTWATCH_SECRET_KEY"),
    (f"{kek('k1')}\n{kek('k1')}", "key k1 is in .* twice"),
    (kek("k1") + "\nk2:" + kek("k1").partition(":")[2], "key k2 is in .* twice"),
]


@pytest.fixture
def database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.SANDBOX, settings.CREDENTIALS, settings.SECRET_KEY = False, "database", SHARED
    monkeypatch.delenv("COSTWATCH_ADMIN_KEY", raising=False)
    return settings


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_sec_05_a_start_refuses_a_bad_master_key(
    database: Any, write: Write, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("kek", text)))
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("sync")
    for part in text.split(":")[1:]:
        assert len(part) < 8 or part not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("BROKER_PASSWORD", SHARED, "COSTWATCH_BROKER_PASSWORD"),
        ("BROKER_PASSWORD", RANDOM.decode("latin-1"), ""),
        ("METRICS_TOKEN", SHARED, "COSTWATCH_METRICS_TOKEN"),
        ("OBSERVATIONS_TOKEN", SHARED, "COSTWATCH_OBSERVATIONS_TOKEN"),
        ("BROKER_URL", f"redis://:{SHARED.replace('/', '%2F')}@redis:6379/0", "the password of COSTWATCH_BROKER_URL"),
    ],
)
def test_sec_05_a_master_key_is_no_other_secret_too(
    database: Any, write: Write, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, name: str
) -> None:
    database.SECRET_KEY = "another"
    setattr(database, setting, value)
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(write("kek", f"k1:{SHARED}")))
    said = keyring.mistakes()
    assert [one.rpartition("is the same as ")[2] for one in said] == ([name] if name else [])


def test_sec_05_a_missing_or_open_file_is_refused(database: Any, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTWATCH_KEK_FILE", raising=False)
    assert keyring.mistakes() == [
        "COSTWATCH_CREDENTIALS is database, and no COSTWATCH_KEK_FILE says where the master key is"
    ]
    monkeypatch.setenv("COSTWATCH_KEK_FILE", "/nowhere/kek")
    assert keyring.mistakes() == [
        "COSTWATCH_KEK_FILE names /nowhere/kek, which cannot be read: No such file or directory"
    ]
    path = write("kek", kek("k1"), 0o644)
    monkeypatch.setenv("COSTWATCH_KEK_FILE", str(path))
    assert keyring.mistakes() == [f"others on this machine may read or change {path} (mode 0644)"]
    path.chmod(0o400)
    assert keyring.mistakes() == []
    assert keyring.keyring().active == "k1"


def test_sec_05_the_process_ends_with_1_and_a_sentence_and_the_web_process_never_looks(tmp_path: Path) -> None:
    (tmp_path / "kek").write_text(encoded(bytes(32)))
    (tmp_path / "kek").chmod(0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COSTWATCH_", "DATABASE_"))}
    environment = kept | {
        "COSTWATCH_DATA_DIR": str(tmp_path),
        "COSTWATCH_CREDENTIALS": "database",
        "COSTWATCH_KEK_FILE": str(tmp_path / "kek"),
    }
    command = [sys.executable, "manage.py", "sync"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "is not random" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    command = [sys.executable, "manage.py", "serve"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "memory://" in done.stderr
    assert "kek" not in done.stderr
