"""Changing the master key, killed at 50 points: every secret can be decrypted after each, and the end is reached."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import kek

ROOT = Path(__file__).resolve().parents[2]
# Fifty times a child begins to wrap sixty secrets anew and kills itself before or after a statement, or at the end.
PROGRAM = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection, connections
from costwatch.secrets import configured, stored
from costwatch.upstream.credential import Secret

call_command("migrate", "secrets", verbosity=0)
before, both, after, file = sys.argv[1:]

def keys(text):
    with open(file, "w") as opened:
        opened.write(text)

keys(before)
expected = {f"l{n:02}": f"sk-ant-admin01-not-a-real-key-{n:04}" for n in range(60)}
for label, value in expected.items():
    stored.add(label=label, secret=Secret(value), organization=f"org-{label}", set_by="")
keys(both)
died, left = 0, []
for point in range(50):
    connections.close_all()
    child = os.fork()
    if child == 0:
        count = 0
        def counted(execute, *given):
            global count
            count += 1
            if count == point + 2 and point % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = execute(*given)
            if count == point + 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        with connection.execute_wrapper(counted):
            stored.rewrap(lambda line: None)
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    died += os.WIFSIGNALED(status)
    assert {one.label: one.read().reveal() for one in configured.credentials()} == expected, point
    left.append(stored.left())
    if not left[-1]:
        # All are wrapped anew: the next children carry on in the other direction.
        before, after = after, before
        keys(f"{after}\\n{before}")
stored.rewrap(lambda line: None)
assert stored.left() == 0
keys(after)
assert {one.label: one.read().reveal() for one in configured.credentials()} == expected
print(died, max(left) > min(left))
"""


def test_sec_04_killed_at_fifty_points_every_secret_can_be_decrypted_and_the_old_key_deleted(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    path.touch(mode=0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COSTWATCH_", "DATABASE_"))}
    environment = kept | {
        "DJANGO_SETTINGS_MODULE": "costwatch.settings",
        "COSTWATCH_DATA_DIR": str(tmp_path),
        "COSTWATCH_CREDENTIALS": "database",
        "COSTWATCH_KEK_FILE": str(path),
    }
    command = [sys.executable, "-c", PROGRAM, kek("k1"), f"{kek('k2')}\n{kek('k1')}", kek("k2"), str(path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "50 True\n"
