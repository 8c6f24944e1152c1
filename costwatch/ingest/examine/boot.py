"""What must be right before anything starts: every mistake at once, each with what to do."""

from django.conf import settings
from django.core.management.base import CommandError

from costwatch.ingest.examine.configuration import configuration
from costwatch.ingest.examine.line import FAIL


def mistakes() -> list[str]:
    """Everything that is wrong with the settings, a sentence or two each; nothing where all is well."""
    wrong = [one for one in configuration() if one.mark == FAIL]
    unreadable = list(settings.PROBLEMS)
    known = "\n".join(unreadable)
    return [*unreadable, *(f"{one.what}. {one.do}" for one in wrong if one.what not in known)]


def refuse_wrong_configuration() -> None:
    """Stop a command whose settings cannot work.

    Raises: CommandError with every mistake and what to do about it.
    """
    wrong = mistakes()
    if wrong:
        raise CommandError("\n".join(wrong))
