"""manage.py up: web, worker and beat in one process; kill it at any point and the next start carries on."""

import os
import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from costwatch.ingest.examine.boot import refuse_wrong_configuration
from costwatch.ingest.folder_lock import FolderInUse, only_one
from costwatch.ingest.installation import WrongDatabase, upstream
from costwatch.server import check_port

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Start costwatch: web, worker and beat in one process."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="default: PORT, or 8000")
        parser.add_argument("--sandbox", action="store_true", help="start the sandbox, even where a key is set")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sandbox"] and not settings.SANDBOX:
            # Settings choose the database file from this, so they are read again in a fresh process image.
            os.environ["COSTWATCH_SANDBOX"] = "on"
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606
        refuse_wrong_configuration()
        port = settings.PORT if options["port"] is None else options["port"]
        url = settings.PUBLIC_URL if os.environ.get("COSTWATCH_PUBLIC_URL") else f"http://{HOST}:{port}"
        settings.PUBLIC_URL = url
        settings.CSRF_TRUSTED_ORIGINS = [url]
        with ExitStack() as stack:
            stack.enter_context(_only_one(url))
            check_port(port)
            self._say("Preparing the database")
            try:
                stack.enter_context(upstream())
            except WrongDatabase as error:
                raise CommandError(str(error)) from None
            self._serve(port, url)

    def _serve(self, port: int, url: str) -> None:
        from costwatch.access import links
        from costwatch.ingest import lease
        from costwatch.ingest.embedded import Embedded
        from costwatch.ingest.tasks import ring
        from costwatch.server import make_server

        lease.sweep()
        server = make_server(port)
        threading.Thread(target=server.run, name="web", daemon=True).start()
        Embedded().start()
        ring.delay()
        if settings.SANDBOX:
            self._say("Sandbox: these are invented numbers. Set COSTWATCH_ADMIN_KEY_FILE to read your organization.")
        elif links.is_first_start():
            self._say(f"Make the first administrator with this link; it works once, for an hour:\n  {links.make()}")
        self._say(f"costwatch is at {url}")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self._show_progress(url, stop)
        stop.wait()
        self._say("Stopped. The next start carries on where this one was.")
        sys.stdout.flush()
        # Threads may wait for the upstream; whatever they do is safe to cut off, and done again at the next start.
        os._exit(0)

    def _show_progress(self, url: str, stop: threading.Event) -> None:
        """Tell how far the history is read until it is; each line ends with the URL, so the log does too."""
        from costwatch.directory.models import Organization
        from costwatch.ingest.progress import progress

        told, complaint = -10, ""
        while not stop.wait(1.0):
            organizations = list(Organization.objects.order_by("pk"))
            if not organizations:
                continue
            states = [progress(one) for one in organizations]
            total, done = sum(one.total for one in states), sum(one.done for one in states)
            percent = 100 if states and done >= total else done * 100 // total if total else 0
            failing = next((one.failing for one in states if one.failing), "")
            if failing and failing != complaint:
                complaint = failing
                self._say(f"A source could not be read: {failing} | {url}")
            if percent >= told + 10 or (percent == 100 and told < 100):
                told = percent
                filled = percent // 5
                self._say(f"History [{'#' * filled}{'.' * (20 - filled)}] {percent} %, {done} of {total} days | {url}")
            if percent == 100:
                break
        connections.close_all()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@contextmanager
def _only_one(url: str) -> Iterator[None]:
    """Hold the data folder. Raises: CommandError where another process has it."""
    folder = Path(settings.DATA_DIR)
    try:
        with only_one(folder, url):
            yield
    except FolderInUse as holder:
        raise CommandError(
            f"costwatch already runs on the data folder {folder} ({holder}). "
            "Stop it first, or choose another folder with COSTWATCH_DATA_DIR."
        ) from None
