"""The environment: every mistake at once, connections by role, brokers, who this process is."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from costwatch.broker import caches, is_safe, transport_options, with_password
from costwatch.database import connecting, session_options
from costwatch.role import role
from tests.servers import pgbouncer, postgres

ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = {
    "COSTWATCH_ENV": "production",
    "COSTWATCH_PUBLIC_URL": "https://costwatch.example.com",
    "COSTWATCH_TRUSTED_PROXY": "127.0.0.1",
    "COSTWATCH_SECRET_KEY": "a8Kq2vN5xZ1mW7rT4yB9cD3fG6hJ0lPsUeIoQwXtRzYvMnLkHjGf",
    "COSTWATCH_ADMIN_KEY": "sk-ant-admin01-not-a-real-key",
}
SHOWN = (
    "from django.db import connection; c = connection.cursor(); "
    "c.execute(\"SELECT current_setting('statement_timeout'), "
    "current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')\"); "
    "print(*c.fetchone())"
)


def manage(*arguments: str, **environment: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COSTWATCH_", "DATABASE_"))}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_ops_09_fifteen_mistakes_are_fifteen_sentences_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, said = manage(
        "migrate",
        COSTWATCH_ENV="staging",
        COSTWATCH_NOW="yesterday",
        COSTWATCH_DATA_DIR=str(tmp_path / "file" / "data"),
        COSTWATCH_SANDBOX="perhaps",
        COSTWATCH_SECRET_KEY_FILE=str(tmp_path / "no-such-file"),
        PORT="eighty",
        COSTWATCH_PUBLIC_URL="costwatch",
        DATABASE_URL="nonsense",
        COSTWATCH_PGBOUNCER="sometimes",
        COSTWATCH_LOG_LEVEL="LOUD",
        COSTWATCH_MANAGE="maybe",
        COSTWATCH_BACKFILL_SINCE="31.12.2026",
        COSTWATCH_UPSTREAM_URL="http://api.example.com",
        COSTWATCH_HTTPS_PROXY="proxy",
        COSTWATCH_CA_BUNDLE=str(tmp_path / "no-such-bundle"),
        COSTWATCH_PRICES_FILE=str(tmp_path / "no-such-prices"),
        COSTWATCH_METRICS_TOKEN="guess",
        COSTWATCH_OBSERVATIONS_TOKEN="guess",
    )
    assert status == 1
    for named in (
        "COSTWATCH_ENV is 'staging'",
        "COSTWATCH_NOW: 'yesterday' is not an RFC 3339 time",
        "cannot be made: Not a directory",
        "COSTWATCH_SANDBOX is 'perhaps'",
        "COSTWATCH_SECRET_KEY_FILE names",
        "PORT is 'eighty'",
        "COSTWATCH_PUBLIC_URL is 'costwatch'",
        "DATABASE_URL is not an address",
        "COSTWATCH_PGBOUNCER is 'sometimes'",
        "COSTWATCH_LOG_LEVEL is 'LOUD'",
        "COSTWATCH_MANAGE is 'maybe'",
        "COSTWATCH_BACKFILL_SINCE is '31.12.2026'",
        "COSTWATCH_UPSTREAM_URL:",
        "COSTWATCH_HTTPS_PROXY is not a URL",
        "COSTWATCH_CA_BUNDLE names",
        "COSTWATCH_PRICES_FILE",
        "COSTWATCH_METRICS_TOKEN is shorter than 16 characters",
        "COSTWATCH_OBSERVATIONS_TOKEN is shorter than 16 characters",
    ):
        assert said.count(named) == 1, (named, said)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "url", ["filesystem://", "sqla+sqlite:///x.sqlite3", "django://", "sqs://", "mongodb://127.0.0.1/x"]
)
def test_tsk_17_a_broker_that_loses_messages_is_refused_in_production(tmp_path: Path, url: str) -> None:
    status, said = manage("up", **PRODUCTION, COSTWATCH_DATA_DIR=str(tmp_path), COSTWATCH_BROKER_URL=url)
    assert status == 1
    assert f"the broker {url.partition(':')[0]}:// of COSTWATCH_BROKER_URL loses messages" in said


def test_tsk_17_in_memory_is_for_one_process(tmp_path: Path) -> None:
    url = "postgres://nobody@127.0.0.1:1/none"
    status, said = manage("serve", **PRODUCTION, COSTWATCH_DATA_DIR=str(tmp_path), DATABASE_URL=url)
    assert (status, "COSTWATCH_BROKER_URL is memory://" in said) == (1, True)
    status, said = manage("up", **PRODUCTION, COSTWATCH_DATA_DIR=str(tmp_path), DATABASE_URL=url)
    assert (status, "COSTWATCH_BROKER_URL" in said) == (1, False)


def test_an_https_address_without_a_trusted_proxy_is_refused(tmp_path: Path) -> None:
    wrong = PRODUCTION | {"COSTWATCH_TRUSTED_PROXY": ""}
    status, said = manage("up", **wrong, COSTWATCH_DATA_DIR=str(tmp_path))
    assert (status, "no proxy is trusted to say so" in said) == (1, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("manage.py up --port 8001", "alone"),
        ("/app/manage.py serve", "web"),
        ("manage.py migrate --no-input", "migration"),
        ("manage.py doctor", "command"),
        ("manage.py", "command"),
        ("/venv/bin/celery -A costwatch worker -c 2", "worker"),
        ("/venv/lib/celery/__main__.py --app=costwatch beat", "beat"),
        ("celery -A costwatch report", "command"),
        ("gunicorn costwatch.wsgi", "web"),
        ("pytest worker", "command"),
    ],
)
def test_a_process_knows_its_role_from_its_command_line(line: str, expected: str) -> None:
    assert role(line.split()) == expected


def test_ops_07_each_role_has_its_deadlines() -> None:
    idle = "-c idle_in_transaction_session_timeout=30s"
    assert session_options("web") == f"-c statement_timeout=5s {idle}"
    assert session_options("worker") == f"-c statement_timeout=120s {idle}"
    assert session_options("command") == idle
    assert session_options("migration") == "-c lock_timeout=2s"


def test_ops_07_behind_pgbouncer_nothing_outlives_a_transaction() -> None:
    made = connecting({"OPTIONS": {"sslmode": "require"}}, role="web", is_pooled=True)
    assert (made["CONN_MAX_AGE"], made["DISABLE_SERVER_SIDE_CURSORS"]) == (0, True)
    assert made["OPTIONS"]["prepare_threshold"] is None
    assert "options" not in made["OPTIONS"]
    assert made["OPTIONS"]["sslmode"] == "require"
    assert made["OPTIONS"]["application_name"] == "costwatch web"


def test_ops_07_real_sessions_have_their_deadlines_and_pgbouncer_lets_them_in(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with postgres(Path(folder)) as server:
            assert server, "PostgreSQL's server programs are missing"
            local = {"COSTWATCH_DATA_DIR": str(tmp_path), "COSTWATCH_SANDBOX": "on"}
            direct = local | {"DATABASE_URL": server.url}
            assert manage("shell", "-v0", "-c", SHOWN, **direct) == (0, "0 30s costwatch command\n")
            assert manage("migrate", "-v0", **direct) == (0, "")
            with pgbouncer(Path(folder), server) as pooler:
                refused = manage("shell", "-v0", "-c", SHOWN, **local, DATABASE_URL=pooler.url)
                assert "unsupported startup parameter" in refused[1]
                pooled = local | {"DATABASE_URL": pooler.url, "COSTWATCH_PGBOUNCER": "on"}
                assert manage("sync", "-v0", "--source", "cost", **pooled)[0] == 0
                assert "statements may run for ever" in manage("doctor", **pooled)[1]
                for setting in ("statement_timeout = '120s'", "idle_in_transaction_session_timeout = '30s'"):
                    altered = f'connection.cursor().execute("ALTER ROLE costwatch SET {setting}")'
                    assert (
                        manage("shell", "-v0", "-c", f"from django.db import connection; {altered}", **direct)[0] == 0
                    )
            with pgbouncer(Path(folder), server) as pooler:
                pooled = pooled | {"DATABASE_URL": pooler.url}
                assert manage("shell", "-v0", "-c", SHOWN, **pooled) == (0, "2min 30s costwatch command\n")
                assert "for ever" not in manage("doctor", **pooled)[1]


def test_a_password_of_its_own_goes_into_the_brokers_address() -> None:
    assert with_password("redis://redis:6379/0", "a/b#c") == "redis://:a%2Fb%23c@redis:6379/0"
    assert with_password("amqp://me@rabbit//", "x") == "amqp://me:x@rabbit//"
    assert with_password("memory://", "x") == "memory://"


def test_redis_counts_sign_ins_for_all_web_processes() -> None:
    assert caches("redis://:x@redis:6379/0")["default"]["BACKEND"].endswith("SharedCache")
    assert caches("memory://")["default"]["BACKEND"].endswith("LocMemCache")
    assert transport_options("memory://") == {}
    assert transport_options("redis://x")["visibility_timeout"] == 900
    assert not is_safe("memory://")
