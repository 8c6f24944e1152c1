"""The mirror in the past: when a row was last seen, and what the rows of a kind said at a moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from costwatch import clock
from costwatch.directory.kinds import SEPARATOR, Listing
from costwatch.directory.models import DirectoryChange, Kind, Organization, Reading, Seen

Values = dict[str, Any]
What = DirectoryChange.What


def reading_of(organization: Organization, kind: Kind) -> Reading | None:
    """When a kind was first and last read, None when it never was."""
    return Reading.objects.filter(organization=organization, kind=kind).first()


def last_seen(row: Seen, reading: Reading | None) -> datetime:
    """When a row was last listed: at the last reading (of its workspace) if it is not gone, else when it last was."""
    if row.gone_at or not reading:
        return row.last_seen_at
    by_workspace = reading.workspaces.get(getattr(row, "workspace_key", ""))
    return max(row.last_seen_at, clock.parse(by_workspace) if by_workspace else reading.last_read_at)


def changes_of(organization: Organization, *kinds: Kind) -> list[datetime]:
    """When rows of some kinds were seen to have changed, in that order."""
    changes = DirectoryChange.objects.filter(organization=organization, kind__in=kinds)
    return list(changes.order_by("seen_at").values_list("seen_at", flat=True).distinct())


def last_change(organization: Organization, *kinds: Kind) -> datetime | None:
    """When a row of some kinds was last seen to have changed, None when none ever was."""
    changes = DirectoryChange.objects.filter(organization=organization, kind__in=kinds)
    return changes.order_by("-seen_at").values_list("seen_at", flat=True).first()


def states_at(
    listing: Listing, organization: Organization, columns: Sequence[str], moment: datetime
) -> dict[tuple[str, ...], Values]:
    """What the rows that existed at a moment said in some columns: today's rows, every later change undone.

    What was there at the first reading is taken to have been there before it. Times read as RFC 3339 text where they
    have changed since.
    """
    rows = listing.model._default_manager.filter(organization=organization)
    named = {listing.named(row): row for row in rows}
    states = {name: {column: getattr(row, column) for column in columns} for name, row in named.items()}
    joined = {SEPARATOR.join(name): name for name in named}
    present = {name for name, row in named.items() if row.gone_at is None}
    later = DirectoryChange.objects.filter(organization=organization, kind=listing.kind, seen_at__gt=moment)
    for change in later.order_by("-pk"):
        name = joined.get(change.external_id)
        if name is None:
            continue
        if change.what == What.GONE:
            present.add(name)
        elif change.what in (What.ADDED, What.RETURNED):
            present.discard(name)
        if change.what in (What.CHANGED, What.RETURNED):
            states[name].update({column: old for column, (old, _) in change.fields.items() if column in columns})
    return {name: state for name, state in states.items() if name in present}


def names_at(listing: Listing, organizations: Sequence[Organization], moment: datetime | None) -> dict[str, str]:
    """The names of workspaces or keys by their identity, now or as they were known at a moment."""
    (identity,) = listing.identity
    rows = listing.model._default_manager.filter(organization__in=organizations)
    if moment is None:
        return dict(rows.values_list(identity, "name"))
    names = dict(rows.filter(first_seen_at__lte=moment).values_list(identity, "name"))
    later = DirectoryChange.objects.filter(organization__in=organizations, kind=listing.kind, seen_at__gt=moment)
    for external_id, what, fields in later.order_by("-pk").values_list("external_id", "what", "fields"):
        if what != What.ADDED and "name" in fields and external_id in names:
            names[external_id] = fields["name"][0]
    return names
