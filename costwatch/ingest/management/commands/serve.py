"""manage.py serve: the pages alone; workers and the scheduler are processes of their own."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from costwatch.ingest.examine.boot import refuse_wrong_configuration
from costwatch.ingest.installation import WrongDatabase, ensure, prepare
from costwatch.server import check_port, make_server


class Command(BaseCommand):
    help = "Serve the pages, without a worker: for an installation with workers and a scheduler of their own."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_wrong_configuration()
        check_port(settings.PORT)
        try:
            prepare()
            ensure()
        except WrongDatabase as error:
            raise CommandError(str(error)) from None
        self._tell_first_link()
        server = make_server(settings.PORT)
        # waitress ends on an exception in its loop, after the requests it has begun.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._say(f"costwatch is at {settings.PUBLIC_URL}")
        server.run()

    def _tell_first_link(self) -> None:
        from costwatch.access import links

        if not settings.SANDBOX and links.is_first_start():
            self._say(f"Make the first administrator with this link; it works once, for an hour:\n  {links.make()}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
