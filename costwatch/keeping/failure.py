"""What keeping says when it cannot go on."""


class CannotKeep(Exception):
    """A copy, backup or restore that cannot be made: a sentence or two that say why and what to do."""


class Damaged(CannotKeep):
    """A database or backup that cannot be read whole."""
