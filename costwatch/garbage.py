"""What the collector of garbage need not look through: what is loaded once and stays.

Django and everything under it are some 300,000 objects. Looking through them takes longer than most pages do, and in a
child of a worker it makes a copy of every page of memory that the parent shares with it.
"""

import gc


def leave_loaded_alone() -> None:
    """Look for garbage once more, and from now on only in what is made after this."""
    # Said again, nothing stays that has become garbage since.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
