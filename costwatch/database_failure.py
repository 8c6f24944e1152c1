"""What a command says when its database cannot be used: what happened, and what to do about it."""

from django.db import DatabaseError, Error, InterfaceError, OperationalError

# What drivers say, the first that fits; later ones are more general. Anything else is a mistake of the program.
ADVICE = (
    (("no such table", "no such column", "does not exist"), "Run manage.py migrate first, and look at DATABASE_URL."),
    (("permission denied", "readonly database"), "Let this user write it: a role's rights or the file's."),
    (("is full", "no space left"), "Free some space, and run the command again."),
    (("is locked", "lock timeout", "deadlock"), "Something else is using it; run the command again in a moment."),
    (("statement timeout",), "It took too long; run the command again."),
    (("not a database", "malformed"), "DATABASE_URL names a file that is damaged or is none; restore a backup."),
    (("unable to open",), "Look at DATABASE_URL and COSTWATCH_DATA_DIR: its folder must exist and be writable."),
)
CONNECTION = "Look at DATABASE_URL, and whether the database runs and lets this user in."


def told(error: Error) -> str | None:
    """A sentence for a person; None where the error is not about the database but about what it was asked."""
    said = " ".join(str(error).split())
    for marks, advice in ADVICE:
        if isinstance(error, DatabaseError) and any(mark in said.lower() for mark in marks):
            return f"the database cannot be used: {said.rstrip('.')}. {advice}"
    if isinstance(error, OperationalError | InterfaceError):
        return f"the database cannot be used: {said.rstrip('.')}. {CONNECTION}"
    return None
