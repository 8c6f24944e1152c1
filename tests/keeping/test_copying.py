"""An installation moves from SQLite to PostgreSQL whole, however often the copy is killed on its way."""

import os
import random
import sqlite3
import subprocess
import sys
import time

import psycopg
import pytest

from tests.servers import Postgres, free_port, wait_for
from tests.workers.installation import MANAGE, ROOT, Installation, kill

from .conftest import Install, answers, where

KILLS = int(os.environ.get("COSTWATCH_KILLS", "3"))
SEED = int(os.environ.get("COSTWATCH_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = pytest.mark.timeout(240)


def test_everything_arrives_and_every_question_has_the_same_answer(
    install: Install, database: str, expected: str
) -> None:
    source = install()
    said = source.run("copy_to", database)
    assert "Complete and equal" in said
    assert "DIFFERENT" not in said
    target = install("there", filled=False, DATABASE_URL=database)
    assert answers(target) == expected
    for table in ("ledger_revision", "ledger_reportedrevision", "ledger_consolefigure", "access_signinlink"):
        assert figure(said, table, "rows") >= 1
    assert "9223372.036854775807 USD" in said
    again = source.run("copy_to", database)
    assert "Complete and equal" in again


def test_people_sign_in_and_rows_get_numbers_behind_the_last_at_the_new_place(install: Install, database: str) -> None:
    source = install()
    source.run("copy_to", database)
    target = install("there", filled=False, DATABASE_URL=database)
    said = target.run(
        "shell",
        "-v0",
        "-c",
        "from django.contrib.auth import authenticate\n"
        "from django.contrib.auth.models import User\n"
        "ada = authenticate(username='ada', password='a long enough passphrase')\n"
        "print(ada.is_superuser, ada.groups.get().name, User.objects.create_user('bob').pk - ada.pk)\n"
        "from costwatch.ledger.models import ConsoleFigure\n"
        "print(ConsoleFigure.objects.get().entered_by, ConsoleFigure.objects.get().reported)",
    )
    assert said == "True finance 1\nada \u00e4\U0001f9ee 9223372036854775807\n"
    assert "usage: succeeded" in target.run(
        "sync", "--source", "usage", "--since", "2026-11-20", "--until", "2026-11-21"
    )


def test_a_copy_killed_at_random_points_carries_on_and_ends_equal(
    install: Install, database: str, expected: str
) -> None:
    """A killed copy is no installation: it refuses to start until the copy is complete."""
    chance, source = random.Random(SEED), install()
    target = install("there", filled=False, DATABASE_URL=database)
    print(f"seed {SEED}, {KILLS} kills")
    refused = 0
    for _ in range(KILLS):
        is_marked = killed_after(source, database, lines=chance.randrange(1, 30), pause=chance.uniform(0, 0.02))
        said = target.run("report", "spend", status=None)
        assert "unfinished copy" in said or not is_marked, f"seed {SEED}: {said}"
        refused += is_marked
    said = source.run("copy_to", database)
    assert "Complete and equal" in said, f"seed {SEED}"
    assert refused, f"seed {SEED}: nothing was killed at work"
    assert answers(target) == expected, f"seed {SEED}"


def test_a_copy_killed_within_a_table_goes_on_behind_its_last_row(
    install: Install, database: str, cluster: Postgres
) -> None:
    source = install()
    source.run("copy_to", database)
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("UPDATE ingest_installation SET kind = 'copying'")
        there.execute("TRUNCATE ledger_seriesday")
        there.execute("DELETE FROM ledger_fact WHERE bucket_start >= '2026-11-10 05:00+00'")
    said = source.run("copy_to", database)
    assert "Complete and equal" in said
    assert "copying again" not in said
    assert "ledger_series:" not in said


def test_a_source_that_changed_between_two_attempts_is_copied_again(
    install: Install, database: str, cluster: Postgres
) -> None:
    source = install()
    source.run("copy_to", database)
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("UPDATE ingest_installation SET kind = 'copying'")
    with sqlite3.connect(source.log.parent / "costwatch.sqlite3") as here:
        # A value changes, and a row that is unique comes back with another number.
        here.execute("UPDATE ledger_fact SET output_tokens = output_tokens + 1 WHERE rowid = 7")
        here.execute("UPDATE auth_group SET id = 40")
        here.execute("UPDATE auth_user_groups SET group_id = 40")
    said = source.run("copy_to", database)
    assert "The source has changed since the copy began" in said
    assert "Complete and equal" in said


def test_a_copy_that_was_used_is_told_from_its_source_and_left_alone(
    install: Install, database: str, cluster: Postgres
) -> None:
    source = install()
    source.run("copy_to", database)
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("UPDATE ledger_fact SET output_tokens = output_tokens + 1 WHERE bucket_start = '2026-11-10'")
    said = source.run("copy_to", database, status=1)
    assert "DIFFERENT" in said
    assert "Complete" not in said


def test_a_target_with_data_of_another_origin_is_refused(install: Install, database: str, cluster: Postgres) -> None:
    source = install()
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("CREATE TABLE invoices (id int)")
    assert "tables of something else (invoices)" in source.run("copy_to", database, status=None)
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("DROP TABLE invoices")
    other = install("other", filled=False, DATABASE_URL=database)
    other.run("sync", "-v0", "--source", "directory")
    said = source.run("copy_to", database, status=None)
    assert "the target holds a real organization: another installation" in said
    with psycopg.connect(where(cluster, database)) as there:
        there.execute("DELETE FROM ingest_installation")
    assert "data that no copy has made" in source.run("copy_to", database, status=None)


def test_a_copy_waits_for_nobody_costwatch_must_be_stopped(install: Install, database: str) -> None:
    source = install()
    serving, lock = source.start(*MANAGE, "up", "--port", str(free_port())), source.log.parent / "up.lock"
    wait_for(lambda: lock.exists() and "http" in lock.read_text(), 30, "up did not take its lock")
    assert "Stop it first" in source.run("copy_to", database, status=None)
    kill(serving)
    with sqlite3.connect(source.log.parent / "costwatch.sqlite3") as here:
        here.execute(
            "INSERT OR REPLACE INTO ingest_lease (organization_id, source, holder, expires_at)"
            " VALUES (1, 'usage', 'elsewhere', '2999-01-01 00:00:00')"
        )
    assert "usage is being read right now" in source.run("copy_to", database, status=None)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///elsewhere.sqlite3", "not an address such as postgres://"),
        ("postgres://costwatch@127.0.0.1:1/nothing", "the target cannot be reached"),
    ],
)
def test_a_target_that_cannot_be_is_said_in_a_sentence(install: Install, url: str, says: str) -> None:
    assert says in install().run("copy_to", url, status=None)


def test_an_empty_source_and_a_missing_file_are_said_in_a_sentence(install: Install, database: str) -> None:
    empty = install(filled=False)
    assert "schema is not up to date" in empty.run("copy_to", database, status=None)
    empty.run("migrate", "-v0")
    assert "nothing to copy" in empty.run("copy_to", database, status=None)
    assert "there is no file" in empty.run("copy_to", database, "--from-file", "/nowhere.sqlite3", status=None)


def figure(said: str, table: str, what: str) -> int:
    """A figure of the source in the printed comparison."""
    (line,) = [line.split() for line in said.splitlines() if line.split()[:2] == [table, what]]
    return int(line[2])


def killed_after(source: Installation, database: str, *, lines: int, pause: float) -> bool:
    """Kill a copy after some lines of progress. Shape: whether it had begun to copy and not ended."""
    process = subprocess.Popen(
        [sys.executable, *MANAGE[1:], "copy_to", database],
        cwd=ROOT,
        env=source.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout
    said = [process.stdout.readline().decode() for _ in range(lines)]
    time.sleep(pause)
    kill(process)
    process.stdout.close()
    return not any("Complete" in line for line in said) and any("rows" in line for line in said)
