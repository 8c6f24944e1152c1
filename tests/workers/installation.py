"""An installation of real processes: worker, beat and web of their own, on a Redis and a database of ours."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers import QUIET

ROOT = Path(__file__).resolve().parents[2]
CELERY = [str(Path(sys.executable).parent / "celery"), "-A", "costwatch"]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
NOW, SINCE = "2026-11-20T14:05:00Z", "2026-10-21"
FOREIGN = ("COSTWATCH_", "DATABASE_URL", "DJANGO_ALLOW_ASYNC_UNSAFE")


class Installation:
    """The processes of one installation, each in a group of its own, ended with a kill."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = kept | {
            "COSTWATCH_DATA_DIR": str(folder),
            "COSTWATCH_NOW": NOW,
            "COSTWATCH_BACKFILL_SINCE": SINCE,
            "COSTWATCH_LOG_LEVEL": "WARNING",
            "REMAP_SIGTERM": "SIGQUIT",
            **environment,
        }
        self.log = folder / "processes.log"
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command and leave it running."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._started.append(process)
        return process

    def worker(self, name: str = "one", *, children: int = 2, queues: str = "") -> subprocess.Popen[bytes]:
        """Start a worker; without `queues` it listens to all."""
        command = [*CELERY, "worker", "-c", str(children), "-n", f"{name}@here", "--without-gossip", "--without-mingle"]
        return self.start(*command, *([f"--queues={queues}"] if queues else []))

    def beat(self) -> subprocess.Popen[bytes]:
        """Start a scheduler."""
        return self.start(*CELERY, "beat")

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run a command of manage.py to its end. Shape: what it printed, errors behind it."""
        done = subprocess.run(
            [*MANAGE, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=900
        )
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr if status is None else done.stdout

    def report(self, name: str, grouping: str = "") -> dict[str, Any]:
        """A report of everything read."""
        since, until = self.environment["COSTWATCH_BACKFILL_SINCE"], "2026-11-20"
        return self.json("report", name, "--since", since, "--until", until, "--group-by", grouping, "--format", "json")

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command of manage.py answers as JSON."""
        answer: dict[str, Any] = json.loads(self.run(*arguments))
        return answer

    def end(self) -> None:
        """Kill what is left."""
        for process in self._started:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Sandbox:
    """The vendor's stand-in, a process of its own."""

    def __init__(self, port: int, *, latency: int, faults: str = "") -> None:
        command = [sys.executable, "-m", "costwatch.upstream.sandbox", "--port", str(port), "--now", NOW]
        self._command = [*command, "--latency", str(latency), *(["--faults", faults] if faults else [])]
        self._begin()

    def _begin(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=QUIET["stderr"])
        assert self._process.stdout
        said = [self._process.stdout.readline().decode() for _ in range(2)]
        self.url, self.key = said[0].split()[-1], said[1].split()[-1]

    def order(self, what: str, order: dict[str, Any]) -> None:
        """Tell it something at one of its own endpoints: `faults` or `restate`."""
        body = json.dumps(order).encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/{what}", data=body, timeout=10) as answer:
            assert answer.status == 200

    def asked(self, what: str) -> Any:
        """What it says at one of its own endpoints: `truth`, `requests`, `faults`."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/{what}", timeout=60) as answer:
            return json.load(answer)

    def restart(self) -> None:
        """Die as a crash would, and come back at the same address with the faults of the start."""
        self.stop()
        self._begin()

    def stop(self) -> None:
        """Stop serving."""
        self._process.kill()
        self._process.wait()
