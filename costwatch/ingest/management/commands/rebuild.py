"""manage.py rebuild --from-raw: facts once more from what was kept of the vendor's answers."""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest import raw
from costwatch.ingest.lease import Busy
from costwatch.ingest.rebuild import Rebuild
from costwatch.ledger import prices as ledger_prices


class Command(BaseCommand):
    help = "Make the facts of some days again from the vendor's answers as they were kept, and say what differed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from-raw", action="store_true", required=True, help="from the kept answers")
        parser.add_argument("--since", metavar="DATE", help="first UTC day; default: all that is kept")
        parser.add_argument("--until", metavar="DATE", help="the UTC day after the last")
        parser.add_argument("--organization", metavar="ID", help="of one organization only")

    def handle(self, *args: Any, **options: Any) -> None:
        since = self._day(options["since"], clock.today() - raw.KEPT - clock.DAY)
        until = self._day(options["until"], clock.today() + clock.DAY)
        if since >= until:
            raise CommandError("--since must be before --until, which is exclusive")
        organizations = Organization.objects.order_by("pk")
        if options["organization"]:
            organizations = organizations.filter(external_id=options["organization"])
        if not organizations:
            raise CommandError("there is no such organization")
        try:
            for organization in organizations:
                self._rebuild(organization, since, until)
        except Busy as error:
            raise CommandError(f"{error}; stop the worker, or try again in a minute") from None

    def _rebuild(self, organization: Organization, since: datetime, until: datetime) -> None:
        rebuild = Rebuild(organization, ledger_prices.publish())
        for source, days in (("usage", rebuild.usage(since, until)), ("cost", rebuild.cost(since, until))):
            found = list(days)
            buckets, changed = sum(day.buckets for day in found), sum(day.changed for day in found)
            said = f"{changed} rows differed and were put right" if changed else "every row as it was"
            self.stdout.write(f"{organization}: {source}: {buckets} buckets of {len(found)} days rebuilt, {said}")
            for day in found:
                if day.changed:
                    self.stdout.write(f"  {day.day}: {day.changed} rows differed")

    @staticmethod
    def _day(text: str | None, default: date) -> datetime:
        try:
            return clock.midnight(clock.day(text) if text else default)
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
