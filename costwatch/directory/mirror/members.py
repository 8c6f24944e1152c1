"""Mirroring who is in which workspace."""

from datetime import datetime

from costwatch.directory import kinds
from costwatch.directory.mirror import rounds, storable
from costwatch.directory.mirror.replace import Found, replace
from costwatch.directory.models import Kind, Member, Organization, WorkspaceMember
from costwatch.upstream import organization as lists
from costwatch.upstream.client import AdminClient


def mirror_workspace_members(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the members of the workspaces whose turn it is; nobody is left in one that is archived or gone.

    Shape: how many were read. Raises: UpstreamError, when what was read before it is written.
    """
    workspaces = rounds.active(organization)
    turn = rounds.turn(organization, Kind.WORKSPACE_MEMBER, workspaces)
    found, failure = rounds.ask(turn, lambda identity: list(lists.workspace_members(client, identity)))
    seen: list[Found] = [
        (
            (key, storable.text(one.user_id)),
            {"role": storable.text(one.workspace_role, 80), "extra": storable.json(extra)},
        )
        for key, members in found.items()
        for one, extra in members
    ]
    rows = WorkspaceMember.objects.filter(organization=organization, gone_at=None)
    left = set(rows.values_list("workspace_key", flat=True).distinct()) - {row.key for row in workspaces}
    if scope := {*found, *left}:
        names = dict(Member.objects.filter(organization=organization).values_list("external_id", "name"))
        replace(
            kinds.WORKSPACE_MEMBERS,
            organization,
            seen,
            now,
            workspaces=scope,
            name=lambda row: names.get(row.user_id) or row.user_id,
        )
    if failure:
        raise failure
    return len(seen)
