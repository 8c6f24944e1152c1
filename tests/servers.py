"""Servers of our own for tests and benches: PostgreSQL, Redis and PgBouncer, in a temporary folder, gone afterwards.

They run as accounts that are not root, listen on a socket in the folder or on loopback, and keep nothing.
"""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

THROWN_AWAY = {"fsync": "off", "max_connections": "50"}
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Postgres:
    """A cluster in a folder; `url` is its database."""

    def __init__(self, folder: Path, programs: Path, settings: Mapping[str, str]) -> None:
        self._cluster, self.socket, self._settings = folder / "pg", folder / "socket", settings
        for path in (self._cluster, self.socket):
            path.mkdir()
        own(self._cluster, self.socket)
        self._control = [*AS_POSTGRES, str(programs / "pg_ctl"), "-D", str(self._cluster), "-w"]
        self._control += ["-l", str(self._cluster / "log")]
        init = [*AS_POSTGRES, str(programs / "initdb"), "-D", str(self._cluster), "-U", "costwatch", "-A", "trust"]
        subprocess.run([*init, "-N", "-E", "UTF8", "--no-locale"], check=True, stdout=subprocess.DEVNULL)
        self.url = f"postgres://costwatch@{quote(str(self.socket), safe='')}/postgres"

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.socket), **self._settings}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        command = [*self._control, "-o", options, "start"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """Stop as a crash would: nothing is finished, nobody is told."""
        subprocess.run([*self._control, "-m", "immediate", "stop"], check=False, **QUIET)


class Redis:
    """A Redis on loopback with a password, which keeps nothing over a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port, self.password = folder, free_port(), secrets.token_urlsafe(16)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = ["redis-cli", "-p", str(self.port)]
        self.login = os.environ | {"REDISCLI_AUTH": self.password}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = f'bind 127.0.0.1\nport {self.port}\nsave ""\nappendonly no\nrequirepass {self.password}\n'
        self._process = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, cwd=self._folder, **QUIET)
        assert self._process.stdin
        self._process.stdin.write(settings.encode())
        self._process.stdin.close()
        wait_for(lambda: self.ask("PING") == "PONG", 10, "Redis did not start")

    def stop(self) -> None:
        """Stop and forget everything."""
        if self._process:
            self.ask("SHUTDOWN", "NOSAVE")
            self._process.wait(10)

    def pause(self) -> None:
        """Hang: connections stay, nothing answers."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> str:
        """One command. Shape: what it answers, as text."""
        done = subprocess.run([*self.client, *words], env=self.login, capture_output=True, text=True, check=False)
        return done.stdout.strip()


class PgBouncer:
    """A pooler in transaction mode in front of a cluster, as a cautious operator sets it up."""

    def __init__(self, folder: Path, behind: Postgres) -> None:
        self._file, self.port = folder / "pgbouncer.ini", free_port()
        (folder / "users").write_text('"costwatch" ""\n')
        self._file.write_text(
            f"[databases]\n* = host={behind.socket}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = trust\nauth_file = {folder / 'users'}\npool_mode = transaction\n"
            f"default_pool_size = 2\nmax_client_conn = 50\n"
        )
        self.url = f"postgres://costwatch@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        self._process = subprocess.Popen([*AS_POSTGRES, "/usr/sbin/pgbouncer", str(self._file)], **QUIET)
        wait_for(lambda: listens(self.port), 10, "PgBouncer did not start")

    def stop(self) -> None:
        """Stop."""
        if self._process:
            self._process.kill()
            self._process.wait()


# PostgreSQL and PgBouncer refuse to run as root; Debian's package brings an account for them.
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.geteuid() == 0 else []


@contextmanager
def postgres(folder: Path, settings: Mapping[str, str] = THROWN_AWAY) -> Iterator[Postgres | None]:
    """A temporary cluster, running. Shape: None where PostgreSQL's server programs are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not found:
        yield None
        return
    server = Postgres(folder, found[0].parent, settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """A temporary Redis, running."""
    server = Redis(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def pgbouncer(folder: Path, behind: Postgres) -> Iterator[PgBouncer]:
    """A temporary pooler, running."""
    server = PgBouncer(folder, behind)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def own(*paths: Path) -> None:
    """Give folders to the account the servers run as."""
    if AS_POSTGRES:
        subprocess.run(["chown", "postgres", *map(str, paths)], check=True)


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of loopback."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(is_so: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """Wait until something is so. Shape: the seconds it took. Raises: AssertionError with the sentence."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if is_so():
            return time.monotonic() - began
        time.sleep(0.1)
    raise AssertionError(f"{otherwise} within {seconds:g} s")
