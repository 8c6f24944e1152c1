"""manage.py restore: put a backup back, or check that it could be."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS
from django.db.utils import Error

from costwatch.keeping.failure import CannotKeep
from costwatch.keeping.restore import Checked, check, restore
from costwatch.keeping.standstill import refuse_while_read, standstill
from costwatch.keeping.totals import as_table, told

TOLD = {"real": "a real organization", "sandbox": "the sandbox"}


class Command(BaseCommand):
    help = "Put a backup back; with --check only look whether it is whole, in a temporary database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="change nothing; exit 1 if the backup is not whole")
        what.add_argument("--replace", action="store_true", help="back up the present database and replace it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                self._check(options["file"])
                return
            with standstill(Path(settings.DATA_DIR), "manage.py restore"):
                refuse_while_read(DEFAULT_DB_ALIAS)
                checked, kept = restore(options["file"], replace=options["replace"])
        except CannotKeep as error:
            raise CommandError(str(error)) from None
        except (OSError, psycopg.Error, Error) as error:
            raise CommandError(f"nothing was restored: {str(error).strip()}") from None
        self._show(checked)
        if kept:
            self.stdout.write(f"What was there before is in {kept}")
        self.stdout.write("Restored. What was missed since is read again after the start.")
        for doubt in checked.doubts:
            self.stdout.write(doubt)

    def _check(self, file: Path) -> None:
        checked = check(file)
        self._show(checked)
        if wrong := [*checked.problems, *checked.doubts]:
            self.stderr.write("\n".join(wrong))
            sys.exit(1)
        self.stdout.write("Whole: every figure is the recorded one, and the schema is this version's.")

    def _show(self, checked: Checked) -> None:
        inside, said = checked.inside, checked.said
        made = f", made {said.made_at} by costwatch {said.costwatch}" if said else ""
        self.stdout.write(
            f"It holds {TOLD.get(inside.kind, 'no installation')}{made}; {len(inside.schema)} migrations; "
            f"read from {inside.since or 'nothing'} to {inside.until or 'nothing'} UTC."
        )
        if said:
            self.stdout.write(as_table(checked.controls, "recorded", "restored"))
            return
        for table, figures in sorted(inside.totals.items()):
            for what in figures:
                self.stdout.write(f"{table:<28} {what:<28} {told(table, what, inside.totals):>32}")
