"""manage.py sign_in_link: a fresh one-time link for the first administrator."""

from typing import Any

from django.core.management.base import BaseCommand

from costwatch.access import links


class Command(BaseCommand):
    help = "Print a fresh one-time link that makes (or lets back in) an administrator. It works once, for an hour."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(links.make())
