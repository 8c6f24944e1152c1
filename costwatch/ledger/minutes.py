"""Recording minutes: replaced as sets like hours, in a table of their own."""

from collections.abc import Mapping
from datetime import datetime

from costwatch.ledger import partitions
from costwatch.ledger.dimensions import Counts, UsageDims
from costwatch.ledger.intern import Interned
from costwatch.ledger.store import store
from costwatch.ledger.store.tables import MINUTE


def record_minutes(*, interned: Interned, minutes: Mapping[datetime, Mapping[UsageDims, Counts]]) -> set[datetime]:
    """Replace the facts of some minutes. Call in a transaction, with the dimensions interned before it.

    Shape: the minutes that changed.
    """
    ids = interned.usage()
    partitions.make({minute.date() for minute in minutes})
    wanted = {minute: {ids[dims]: counts for dims, counts in facts.items()} for minute, facts in minutes.items()}
    replaced = store().replace(MINUTE, interned.organization_id, wanted)
    return {moment for moment in replaced.differences if isinstance(moment, datetime)}
