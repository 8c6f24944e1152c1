"""PostgreSQL's own programs: finding ones that fit the server, and running them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq
from psycopg.conninfo import make_conninfo

from costwatch.keeping.failure import CannotKeep

# Debian keeps the programs of each version here, and puts a chooser of its own into PATH.
INSTALLED = Path("/usr/lib/postgresql")
MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


def find(program: str, server: int, installed: Path = INSTALLED) -> str:
    """The program of the server's version, else of the next newer one.

    Units: `server` is a major version. Raises: CannotKeep where there is none.
    """
    paths = [*map(str, installed.glob(f"*/bin/{program}")), *filter(None, [shutil.which(program)])]
    versions = {major: path for path in reversed(paths) if (major := _major(path))}
    if fitting := [major for major in versions if major >= server]:
        return versions[min(fitting)]
    if versions:
        raise CannotKeep(
            f"{program} is version {max(versions)}, and the server is version {server}: it cannot read a newer server. "
            f"Install PostgreSQL's client of version {server}."
        )
    raise CannotKeep(
        f"{program} is not installed here. Install PostgreSQL's client of version {server} "
        f"(Debian: postgresql-client-{server})."
    )


def _major(path: str) -> int:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = MAJOR.search(said)
    return int(found[1]) if found else 0


def server_of(connection: BaseDatabaseWrapper) -> int:
    """The server's major version."""
    connection.ensure_connection()
    return int(connection.connection.info.server_version) // 10_000


def dump(connection: BaseDatabaseWrapper, file: Path, snapshot: str) -> None:
    """Write what a snapshot of the database sees to a file. Raises: CannotKeep with what pg_dump said."""
    given = connection.get_connection_params()
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {"password", "options"}
    where = make_conninfo("", **{name: value for name, value in given.items() if name in known and value is not None})
    # The password is in no argument, where other accounts of the machine could read it.
    environment = os.environ | ({"PGPASSWORD": str(given["password"])} if given.get("password") else {})
    command = [find("pg_dump", server_of(connection)), "--format=custom", "--no-password", f"--snapshot={snapshot}"]
    command += ["--no-owner", "--no-privileges", f"--file={file}", f"--dbname={where}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotKeep(f"pg_dump failed: {_last_line(done.stderr)}")


@contextmanager
def script(connection: BaseDatabaseWrapper, file: Path) -> Iterator[IO[bytes]]:
    """The SQL that makes a dumped database, as a stream. Raises: CannotKeep at its end where pg_restore failed."""
    command = [find("pg_restore", server_of(connection)), "--file=-", "--no-owner", "--no-privileges", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdout is None or process.stderr is None:
            raise CannotKeep("pg_restore could not be read")
        try:
            yield process.stdout
            said, status = process.stderr.read().decode(), process.wait()
        finally:
            process.kill()
    if status:
        raise CannotKeep(f"{file} cannot be read: {_last_line(said)}")


def _last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "it did not say why")
