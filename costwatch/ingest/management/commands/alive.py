"""manage.py alive: the health check of a container; exit 0 while its part of costwatch works."""

import http.client
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from costwatch.ingest import heartbeat
from costwatch.role import BEAT, CHORES, WEB, WORKER

SECONDS = 5.0
ASSISTANTS = {WORKER: "a worker", CHORES: "a worker of the chores"}


class Command(BaseCommand):
    help = "Exit 0 while a part works: web answers /healthz; beat rang, worker and chores heard it, in three minutes."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", choices=(WEB, WORKER, CHORES, BEAT))

    def handle(self, *args: Any, **options: Any) -> None:
        part = options["part"]
        self.stdout.write(_web() if part == WEB else _heard(part))


def _web() -> str:
    # The server answers to its public name only, wherever the question comes from.
    host = settings.ALLOWED_HOSTS[0] if settings.PRODUCTION else "127.0.0.1"
    address = "127.0.0.1" if settings.BIND in ("0.0.0.0", "::") else settings.BIND  # noqa: S104
    asked = http.client.HTTPConnection(address, settings.PORT, timeout=SECONDS)
    try:
        asked.request("GET", "/healthz", headers={"host": host})
        status = asked.getresponse().status
    except OSError as error:
        raise CommandError(f"the pages at port {settings.PORT} do not answer: {error}") from None
    finally:
        asked.close()
    if status != http.client.OK:
        raise CommandError(f"the pages at port {settings.PORT} answer {status}")
    return "the pages answer"


def _heard(part: str) -> str:
    try:
        ages = heartbeat.ages()
    except Error as error:
        raise CommandError(f"the database does not answer: {error}") from None
    age, what = ages.of(part), "the scheduler rang" if part == BEAT else f"{ASSISTANTS[part]} heard the scheduler"
    if age is None:
        raise CommandError(f"never yet: {what}. It begins within a minute of its start")
    said = f"{what} {age.total_seconds():.0f} s ago"
    if age > heartbeat.LATE_AFTER:
        raise CommandError(f"{said}. Restart it, and look at its log")
    if part == WORKER and ages.is_vendor_silent and ages.vendor:
        raise CommandError(f"the vendor answered {ages.vendor.total_seconds():.0f} s ago. `manage.py doctor` says why")
    return said
