"""manage.py migrate: Django's own, with a backup before it changes a database that holds data."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from costwatch.ingest.installation import pending_migrations
from costwatch.keeping import backup, sides
from costwatch.keeping.failure import CannotKeep
from costwatch.keeping.record import holds_data


class Command(migrate.Command):
    help = f"{migrate.Command.help} A database that holds data is backed up first."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-backup", action="store_true", help="migrate without a backup")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["no_backup"] or options["plan"] or options["check_unapplied"]):
            self._back_up(options["database"], is_named=bool(options["app_label"]), verbosity=options["verbosity"])
        super().handle(*args, **options)

    def _back_up(self, alias: str, *, is_named: bool, verbosity: int) -> None:
        """Back up where something will change: a named migration may be behind the present one."""
        try:
            if not (is_named or pending_migrations(alias)) or not holds_data(sides.of(connections[alias])):
                return
            made = backup.make(reason="before-migrate", alias=alias)
        except CannotKeep as error:
            raise CommandError(
                f"no backup could be made, so nothing was migrated: {error} `manage.py migrate --no-backup` goes on "
                "without one."
            ) from None
        if verbosity:
            self.stdout.write(f"Backed up to {made.path} ({made.bytes / 1e6:.1f} MB, {made.seconds:.1f} s)")
