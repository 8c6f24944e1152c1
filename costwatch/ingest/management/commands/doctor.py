"""manage.py doctor: what is configured, reachable, permitted, late or wrong, and what to do about each."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from costwatch.ingest.examine import configuration, credentials, data, reach, rights
from costwatch.ingest.examine.line import FAIL, MARKS, NOTE, OK, Line, first_line
from costwatch.ingest.installation import WrongDatabase, upstream
from costwatch.secrets.configured import DATABASE

SIGNS = {"ok": "ok  ", "note": "note", "warn": "WARN", "fail": "FAIL"}


class Command(BaseCommand):
    help = "Say what is configured, reachable, permitted, late or wrong, and what to do about each."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        found: list[Line] = []
        for one in examine():
            found.append(one)
            if options["format"] == "text":
                self._tell(one, is_first=len(found) == 1 or found[-2].group != one.group)
        worst = max((one.mark for one in found), key=MARKS.index)
        if options["format"] == "json":
            lines = [{"group": one.group, "mark": one.mark, "what": one.what, "do": one.do} for one in found]
            self.stdout.write(json.dumps({"worst": worst, "lines": lines}, ensure_ascii=False))
        else:
            self.stdout.write(f"\n{_summary(found)}")
        if worst == FAIL:
            sys.exit(1)

    def _tell(self, one: Line, *, is_first: bool) -> None:
        if is_first:
            self.stdout.write(f"\n{one.group}")
        style = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "fail": self.style.ERROR}.get(one.mark, str)
        self.stdout.write(f"  {style(SIGNS[one.mark])}  {_shown(one.what)}")
        if one.do:
            self.stdout.write(f"        -> {_shown(one.do)}")
        self.stdout.flush()


def examine() -> Iterator[Line]:
    """Every line, group by group, as soon as it is known."""
    yield from configuration.configuration()
    database = list(reach.database())
    yield from database
    yield from reach.broker()
    usable = not any(one.mark == FAIL for one in database)
    yield from _sandbox_rights(usable) if settings.SANDBOX else _rights(usable)
    yield from _of_tables(usable, credentials.known, credentials.KNOWN)
    yield from _data(usable)


def _sandbox_rights(usable: bool) -> Iterator[Line]:
    """The sandbox hangs on its database, which knows when it began."""
    if not usable:
        yield Line(rights.GROUP, FAIL, "the sandbox cannot be started", "Correct the lines under Database.")
        return
    try:
        with upstream():
            yield from rights.rights()
    except (WrongDatabase, DatabaseError) as error:
        yield Line(rights.GROUP, FAIL, f"the sandbox cannot be started: {error}", "Correct the lines under Database.")


def _rights(usable: bool) -> Iterator[Line]:
    """Credentials that are kept in the database cannot be tried without it."""
    if settings.CREDENTIALS == DATABASE:
        yield from _of_tables(usable, rights.rights, rights.GROUP)
    else:
        yield from rights.rights()


def _data(usable: bool) -> Iterator[Line]:
    if usable and not reach.has_tables():
        yield Line(data.GROUP, NOTE, "nothing has been read yet", "Start make run, or read once with manage.py sync.")
    else:
        yield from _of_tables(usable, data.data, data.GROUP)


def _of_tables(usable: bool, lines: Callable[[], Iterator[Line]], group: str) -> Iterator[Line]:
    """Lines that are made from tables; nothing before there are any."""
    reason = "the database cannot be used"
    try:
        if usable:
            yield from lines() if reach.has_tables() else ()
            return
    except DatabaseError as error:
        # The schema of an older version.
        reason = first_line(error)
    yield Line(group, NOTE, f"not examined: {reason}", "Correct the lines under Database first.")


def _summary(found: list[Line]) -> str:
    counts = {mark: sum(one.mark == mark for one in found) for mark in MARKS}
    if counts[OK] == len(found):
        return "All is well."
    named = ", ".join(f"{counts[mark]} {mark}" for mark in reversed(MARKS) if counts[mark])
    return f"{named}. " + ("Something needs doing." if counts[FAIL] else "Nothing has failed.")


def _shown(text: str) -> str:
    """Names come from elsewhere: control characters must not reach a terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
