"""The house is in order: style, types, import contracts, migrations, deployment checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


# What the tests set for themselves, and no installation has.
FOREIGN = ("COSTWATCH_", "DATABASE_URL", "DJANGO_ALLOW_ASYNC_UNSAFE")


def output_of(*command: str, **environment: str) -> tuple[int, str]:
    """The exit status of a command run in the repository, and what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    status, said = output_of(str(BIN / "ruff"), "check", ".")
    assert status == 0, said


def test_ruff_would_format_nothing() -> None:
    status, said = output_of(str(BIN / "ruff"), "format", "--check", ".")
    assert status == 0, said


def test_mypy_finds_nothing_in_strict_mode(tmp_path: Path) -> None:
    status, said = output_of(str(BIN / "mypy"), "costwatch", "pricing", COSTWATCH_DATA_DIR=str(tmp_path))
    assert status == 0, said


def test_packages_import_only_what_the_contracts_allow(tmp_path: Path) -> None:
    status, said = output_of(str(BIN / "lint-imports"), "--no-cache", COSTWATCH_DATA_DIR=str(tmp_path))
    assert status == 0, said


def test_the_models_have_their_migrations(tmp_path: Path) -> None:
    command = (sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")
    status, said = output_of(*command, COSTWATCH_DATA_DIR=str(tmp_path))
    assert status == 0, said


def test_djangos_deployment_checks_are_silent_in_production(tmp_path: Path) -> None:
    command = (sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    status, said = output_of(
        *command,
        COSTWATCH_ENV="production",
        COSTWATCH_PUBLIC_URL="https://costwatch.example.com",
        COSTWATCH_SECRET_KEY="a8Kq2vN5xZ1mW7rT4yB9cD3fG6hJ0lPsUeIoQwXtRzYvMnLkHjGf",
        COSTWATCH_ADMIN_KEY="sk-ant-admin01-not-a-real-key",
        COSTWATCH_DATA_DIR=str(tmp_path),
        COSTWATCH_BROKER_URL="redis://127.0.0.1:6379/0",
        DATABASE_URL=f"sqlite:///{tmp_path}/costwatch.sqlite3",
    )
    assert status == 0, said
    assert "no issues" in said


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"COSTWATCH_SECRET_KEY": ""}, "COSTWATCH_SECRET_KEY is required in production"),
        ({"COSTWATCH_NOW": "2026-11-20T14:05:00Z"}, "COSTWATCH_NOW freezes business time; it is refused in production"),
        ({"COSTWATCH_PUBLIC_URL": "costwatch"}, "COSTWATCH_PUBLIC_URL is 'costwatch'"),
        ({"COSTWATCH_ENV": "staging"}, "COSTWATCH_ENV is 'staging'; it is either local or production"),
    ],
)
def test_an_unsafe_production_environment_refuses_to_start(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    right = {
        "COSTWATCH_ENV": "production",
        "COSTWATCH_PUBLIC_URL": "https://costwatch.example.com",
        "COSTWATCH_SECRET_KEY": "a8Kq2vN5xZ1mW7rT4yB9cD3fG6hJ0lPsUeIoQwXtRzYvMnLkHjGf",
        "COSTWATCH_DATA_DIR": str(tmp_path),
    }
    status, said = output_of(sys.executable, "manage.py", "check", **{**right, **wrong})
    assert status != 0
    assert sentence in said
