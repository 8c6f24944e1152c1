"""What has to be asked workspace by workspace: a bounded number each time, whoever was read longest ago first."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from costwatch.directory.models import DEFAULT_WORKSPACE, Kind, Organization, Reading, Workspace
from costwatch.upstream.errors import Refused, UpstreamError

MOST = 100
# An id that can stand in an address without leading elsewhere.
_ASKABLE = re.compile(r"[A-Za-z0-9_-]{1,200}")
T = TypeVar("T")


def active(organization: Organization) -> list[Workspace]:
    """The workspaces that can have something of their own: the default one cannot."""
    rows = Workspace.objects.filter(organization=organization, archived_at=None, gone_at=None)
    return [row for row in rows.exclude(key=DEFAULT_WORKSPACE) if _ASKABLE.fullmatch(row.external_id)]


def turn(organization: Organization, kind: Kind, workspaces: Sequence[Workspace]) -> list[Workspace]:
    """Whose turn it is: never read before, then longest ago, at most MOST."""
    reading = Reading.objects.filter(organization=organization, kind=kind).first()
    read_at = reading.workspaces if reading else {}
    return sorted(workspaces, key=lambda row: (read_at.get(row.key, ""), row.key))[:MOST]


def ask(
    workspaces: Sequence[Workspace], read: Callable[[str], list[T]]
) -> tuple[dict[str, list[T]], UpstreamError | None]:
    """Ask about each workspace by its real id.

    Shape: what was read, by workspace key, and what is to be raised once that is written. A workspace that is refused
    is left out, since it may just have gone; that all are refused is a failure, and so is a key that is not known.
    """
    found: dict[str, list[T]] = {}
    refusal: Refused | None = None
    for row in workspaces:
        try:
            found[row.key] = read(row.external_id)
        except Refused as error:
            if error.status == 401:
                return found, error
            refusal = refusal or error
        except UpstreamError as error:
            return found, error
    return found, None if found else refusal
