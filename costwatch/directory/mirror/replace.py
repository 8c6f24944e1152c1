"""Making the rows of a kind say what was just listed, and writing down what that changed.

An unchanged reading writes one row, the kind's `Reading`. What vanishes upstream is marked, never deleted: facts still
refer to it. The first reading of a kind, or of one workspace for kinds that are read by workspace, is where its history
begins: what is found then is not told as added.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from costwatch import clock
from costwatch.directory.kinds import SEPARATOR, Listing
from costwatch.directory.mirror.storable import ID_LIMIT, text
from costwatch.directory.models import DirectoryChange, Kind, Organization, Reading, Seen

What = DirectoryChange.What
Found = tuple[tuple[str, ...], dict[str, Any]]
Name = Callable[[Any], str]
# When the rows of a workspace (of the whole kind, where it is not read by workspace) were read before, None for never.
Earlier = Callable[[str], datetime | None]


def replace(
    listing: Listing,
    organization: Organization,
    found: Sequence[Found],
    now: datetime,
    *,
    workspaces: Collection[str] | None = None,
    name: Name = str,
) -> int:
    """Replace the rows of a kind, or those of some `workspaces`, by what was found; tell what changed.

    `name` is what a row is called in its history. Shape: how many were found; each by its identity and its columns.
    """
    with transaction.atomic():
        earlier = note(organization, listing.kind, now, workspaces)
        within = {"organization": organization} | ({} if workspaces is None else {"workspace_key__in": workspaces})
        rows = {listing.named(row): row for row in listing.model._default_manager.filter(**within)}
        change = _Change(listing, organization, now, name, earlier)
        present = set()
        for listed, columns in found:
            identity = tuple(map(text, listed))
            if identity in present or not identity[-1] or max(map(len, identity)) > ID_LIMIT:
                continue
            present.add(identity)
            if identity in rows:
                change.meet(rows[identity], columns)
            else:
                change.add(identity, columns)
        for identity, row in rows.items():
            if identity not in present and row.gone_at is None:
                change.lose(row)
        change.write()
    return len(found)


def note(organization: Organization, kind: Kind, now: datetime, workspaces: Collection[str] | None = None) -> Earlier:
    """Write down that a kind, or some workspaces of it, are read now. Shape: when a workspace's rows were before.

    Must run inside a transaction: whoever comes at the same time waits here.
    """
    reading = Reading.objects.select_for_update().filter(organization=organization, kind=kind).first()
    if reading is None:
        before, known = None, {}
        reading = Reading(organization=organization, kind=kind, first_read_at=now)
    else:
        before, known = reading.last_read_at, reading.workspaces
    reading.last_read_at = now
    reading.workspaces = {**known, **dict.fromkeys(workspaces or (), clock.rfc3339(now))}
    reading.save()
    if workspaces is None:
        return lambda workspace_key: before
    return lambda workspace_key: clock.parse(known[workspace_key]) if workspace_key in known else None


class _Change:
    """What a reading changes: collected, then written."""

    def __init__(
        self, listing: Listing, organization: Organization, now: datetime, name: Name, earlier: Earlier
    ) -> None:
        self._listing, self._organization, self._now = listing, organization, now
        self._name, self._earlier = name, earlier
        self._made: list[Seen] = []
        self._changed: list[Seen] = []
        self._lost: list[Seen] = []
        self._told: list[DirectoryChange] = []
        self._columns: set[str] = set()

    def add(self, identity: tuple[str, ...], columns: Mapping[str, Any]) -> None:
        """A row that was never here."""
        named = dict(zip(self._listing.identity, identity, strict=True))
        seen = {"organization": self._organization, "first_seen_at": self._now, "last_seen_at": self._now}
        row = self._listing.model(**{**columns, **named, **seen})
        self._made.append(row)
        if self._earlier(_workspace_of(row)):
            self._tell(row, What.ADDED, {column: (None, value) for column, value in columns.items()})

    def meet(self, row: Seen, columns: Mapping[str, Any]) -> None:
        """A row that is here already, perhaps as gone."""
        differing = {
            column: (old, value) for column, value in columns.items() if (old := getattr(row, column)) != value
        }
        if not differing and row.gone_at is None:
            return
        for column, (_, value) in differing.items():
            setattr(row, column, value)
        what = What.RETURNED if row.gone_at else What.CHANGED
        row.last_seen_at, row.gone_at = self._now, None
        self._changed.append(row)
        self._columns |= set(columns)
        if what == What.RETURNED or set(differing) - set(self._listing.quiet):
            self._tell(row, what, differing)

    def lose(self, row: Seen) -> None:
        """A row that is not listed any more: it last was at the reading before this one."""
        row.last_seen_at = max(row.last_seen_at, self._earlier(_workspace_of(row)) or row.last_seen_at)
        row.gone_at = self._now
        self._lost.append(row)
        self._tell(row, What.GONE, {})

    def write(self) -> None:
        """Write all of it."""
        rows = self._listing.model._default_manager
        rows.bulk_create(self._made, batch_size=200)
        if self._changed:
            rows.bulk_update(self._changed, sorted({"last_seen_at", "gone_at"} | self._columns), batch_size=50)
        if self._lost:
            rows.bulk_update(self._lost, ["last_seen_at", "gone_at"], batch_size=200)
        DirectoryChange.objects.bulk_create(self._told, batch_size=200)

    def _tell(self, row: Seen, what: What, fields: Mapping[str, tuple[Any, Any]]) -> None:
        loud = {column: pair for column, pair in fields.items() if column not in self._listing.quiet}
        named = SEPARATOR.join(self._listing.named(row))
        self._told.append(told(self._organization, self._listing.kind, (named, self._name(row)), self._now, what, loud))


def told(
    organization: Organization,
    kind: Kind,
    named: tuple[str, str],
    now: datetime,
    what: What,
    fields: Mapping[str, tuple[Any, Any]],
) -> DirectoryChange:
    """A change, not yet written. `named` are the object's external id and its name."""
    external_id, name = named
    plain = {column: [_plain(old), _plain(new)] for column, (old, new) in fields.items()}
    return DirectoryChange(
        organization=organization, kind=kind, external_id=external_id, name=name, seen_at=now, what=what, fields=plain
    )


def _workspace_of(row: Seen) -> str:
    return str(getattr(row, "workspace_key", ""))


def _plain(value: Any) -> Any:
    return clock.rfc3339(value) if isinstance(value, datetime) else value
