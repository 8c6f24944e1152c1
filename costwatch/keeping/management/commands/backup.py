"""manage.py backup: one file with everything that was collected and entered, made while costwatch runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costwatch.keeping import backup
from costwatch.keeping.failure import CannotKeep


class Command(BaseCommand):
    help = "Back up the database to a file, also while costwatch runs. The Admin key and the secret key are not in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: backups/ in the data folder")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backup.make(options["file"])
        except CannotKeep as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{made.path}\n{made.bytes / 1e6:.1f} MB in {made.seconds:.1f} s, with its record beside it. "
            "The Admin key and the secret key are not inside: keep them elsewhere."
        )
