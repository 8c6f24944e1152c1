"""Which part of costwatch this process is, told from its command line."""

from collections.abc import Sequence
from pathlib import PurePath

from costwatch.broker import FETCH

WEB, WORKER, BEAT, ALONE, MIGRATION, COMMAND = "web", "worker", "beat", "alone", "migration", "command"
# A worker that does everything but reading: it needs no key.
CHORES = "chores"
ROLES = (WEB, WORKER, CHORES, BEAT, ALONE, MIGRATION, COMMAND)
# Parts that live in a process of their own: they meet the others only through the broker and the database.
SEPARATE = (WEB, WORKER, CHORES, BEAT)
_OF_COMMAND = {"up": ALONE, "serve": WEB, "migrate": MIGRATION}
_WSGI_SERVERS = ("gunicorn", "uwsgi", "waitress-serve", "mod_wsgi-express")


def role(arguments: Sequence[str]) -> str:
    """The role of the process with this command line. Shape: one of `ROLES`; `alone` is all parts in one process."""
    program = PurePath(arguments[0]) if arguments else PurePath()
    words = [word for word in arguments[1:] if not word.startswith("-")]
    if program.name == "celery" or program.parts[-2:] == ("celery", "__main__.py"):
        part = next((word for word in words if word in (WORKER, BEAT)), COMMAND)
        return CHORES if part == WORKER and not _reads(arguments) else part
    if program.name == "manage.py":
        return _OF_COMMAND.get(words[0], COMMAND) if words else COMMAND
    return WEB if program.name in _WSGI_SERVERS else COMMAND


def _reads(arguments: Sequence[str]) -> bool:
    """Whether a worker listens to the queue of reading, as one does that was not told which."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("--queues=")]
    return not named or FETCH in named[-1].split(",")
