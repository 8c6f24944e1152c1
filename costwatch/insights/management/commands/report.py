"""manage.py report: a question to the ledger, answered as a table, CSV or JSON."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costwatch import clock
from costwatch.ingest.installation import WrongDatabase, prepare
from costwatch.insights.query import INTERVALS, BadQuestion, question
from costwatch.insights.render import FORMATS, render
from costwatch.insights.reports import REPORTS, columns, report
from pricing.table import PriceTableError


class Command(BaseCommand):
    help = "Print a report. Days are UTC days; --until is exclusive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=list(REPORTS))
        parser.add_argument("--since", type=_day, metavar="DATE", help="default: the first of this UTC month")
        parser.add_argument("--until", type=_day, metavar="DATE", help="default: tomorrow")
        parser.add_argument("--interval", choices=INTERVALS, default="day")
        parser.add_argument("--group-by", default="", metavar="DIM[,DIM...]")
        parser.add_argument("--filter", action="append", default=[], metavar="DIM=VALUE")
        parser.add_argument(
            "--as-of",
            type=_moment,
            metavar="TIME",
            help="answer as at that time, 2026-11-19T14:05:00Z; of changes: those since then",
        )
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare()
            asked = question(
                since=options["since"],
                until=options["until"],
                interval=options["interval"],
                group_by=[name.strip() for name in options["group_by"].split(",") if name.strip()],
                filters=[_pair(text) for text in options["filter"]],
                as_of=options["as_of"],
            )
            made = report(options["name"], asked)
            answer = render(made, columns(options["name"], asked), options["format"])
        except (BadQuestion, PriceTableError, WrongDatabase) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(answer, ending="")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--filter {text!r} is not DIM=VALUE")
    return name.strip(), value


def _day(text: str) -> date:
    try:
        return clock.day(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _moment(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
