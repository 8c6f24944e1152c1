"""What must be right before anything starts: every mistake at once, each with what to do."""

from django.core.management.base import CommandError

from costwatch.ingest.examine.configuration import configuration
from costwatch.ingest.examine.line import FAIL


def refuse_wrong_configuration() -> None:
    """Stop a command whose settings cannot work.

    Raises: CommandError with every mistake and what to do about it.
    """
    wrong = [f"{one.what}. {one.do}" for one in configuration() if one.mark == FAIL]
    if wrong:
        raise CommandError("\n".join(wrong))
