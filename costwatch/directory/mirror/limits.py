"""Mirroring rate limits and spend limits.

Answers in the older shape name no group by an id. An entry is then known again by its models: it belongs to the group
it shares most of them with.
"""

from collections.abc import Mapping
from datetime import datetime

from costwatch.directory import kinds
from costwatch.directory.mirror import rounds, storable
from costwatch.directory.mirror.lists import default_workspace_id, workspace_key
from costwatch.directory.mirror.replace import Found, replace
from costwatch.directory.models import ORGANIZATION_WIDE, Kind, Organization, RateLimit, RateLimitGroup
from costwatch.upstream import limits
from costwatch.upstream.client import AdminClient
from costwatch.upstream.errors import Refused

# What a group is about and its models, by the group's id.
Known = Mapping[str, tuple[str, tuple[str, ...]]]
Entry = tuple[limits.RateLimit, dict[str, object]]


def mirror_rate_limits(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the organization's limits, and those of the workspaces whose turn it is.

    Of a workspace only what says something of its own is kept: what it inherits is the organization's.
    Shape: how many limits were read. Raises: UpstreamError, when what was read before it is written.
    """
    groups = _groups(organization, list(limits.rate_limits(client)))
    workspaces = rounds.active(organization)
    turn = rounds.turn(organization, Kind.RATE_LIMIT, workspaces)
    found, failure = rounds.ask(turn, _Overrides(client).read)
    replace(kinds.RATE_LIMIT_GROUPS, organization, [_group(key, *entry) for key, entry in groups.items()], now)
    known = {key: (entry.kind, tuple(entry.models or ())) for key, (entry, _) in groups.items()}
    by_entry = {entry.id: key for key, (entry, _) in groups.items() if entry.id}
    above = {(key, one.type): one.value for key, (entry, _) in groups.items() for one in entry.limits}
    seen = [_limit(ORGANIZATION_WIDE, key, one) for key, (entry, _) in groups.items() for one in entry.limits]
    for workspace, entries in found.items():
        for entry, _ in entries:
            key = entry.group_id or by_entry.get(entry.rate_limit_id) or group_of(entry, known)
            for one in entry.limits:
                if one.comes_from != limits.ORGANIZATION or one.value != above.get((key, one.type)):
                    seen.append(_limit(workspace, key, one))
    rows = RateLimit.objects.filter(organization=organization, gone_at=None).exclude(workspace_key=ORGANIZATION_WIDE)
    left = set(rows.values_list("workspace_key", flat=True).distinct()) - {row.key for row in workspaces}
    names = {key: entry.display_name or entry.kind for key, (entry, _) in groups.items()}
    replace(
        kinds.RATE_LIMITS,
        organization,
        seen,
        now,
        workspaces={ORGANIZATION_WIDE, *found, *left},
        name=lambda row: f"{storable.text(names.get(row.group, row.group))}: {row.limiter}",
    )
    if failure:
        raise failure
    return len(seen)


def mirror_spend_limits(organization: Organization, client: AdminClient, now: datetime) -> int:
    """Read the spend limits. Shape: how many there are. Raises: UpstreamError."""
    default = default_workspace_id(organization)
    seen: list[Found] = [
        (
            (one.id,),
            {
                "scope": storable.text(one.scope_type, 80),
                "workspace_key": workspace_key(one.workspace_id, default) if one.workspace_id else "",
                "amount_cents": None if one.amount is None else storable.text(str(one.amount), 80),
                "currency": storable.text(one.currency, 20),
                "period": storable.text(one.period, 40),
                "is_enabled": one.is_enabled,
                "created_at": storable.time(one.created_at),
                "extra": storable.json({**extra, "scope": one.scope}),
            },
        )
        for one, extra in limits.spend_limits(client)
    ]
    return replace(kinds.SPEND_LIMITS, organization, seen, now)


def group_of(entry: limits.RateLimit, known: Known) -> str:
    """The id of an entry's group where the answer has none: a known group's, or one of its type and first model."""
    shared = {
        key: len(set(models) & set(entry.models or ())) if models else int(not entry.models)
        for key, (kind, models) in known.items()
        if kind == entry.kind
    }
    best = max(shared, key=lambda key: (shared[key], key), default="")
    if best and shared[best]:
        return best
    return "/".join([entry.kind, *sorted(entry.models or ())[:1]])


def _groups(organization: Organization, entries: list[Entry]) -> dict[str, Entry]:
    """The organization's entries by the id of their group, each id once."""
    rows = RateLimitGroup.objects.filter(organization=organization, gone_at=None)
    known = {row.external_id: (row.kind, tuple(row.model_names or ())) for row in rows}
    groups: dict[str, Entry] = {}
    for entry, extra in entries:
        key = storable.text(entry.group_id) or group_of(entry, known)
        known.pop(key, None)
        groups.setdefault(key, (entry, extra))
    return groups


def _group(key: str, entry: limits.RateLimit, extra: dict[str, object]) -> Found:
    named = None if entry.models is None else [storable.text(model) for model in entry.models]
    return (
        (key,),
        {
            "entry_id": storable.text(entry.id, storable.ID_LIMIT),
            "kind": storable.text(entry.kind, 80),
            "name": storable.text(entry.display_name),
            "model_names": named,
            "extra": storable.json(extra),
        },
    )


def _limit(workspace: str, group: str, one: limits.Limit) -> Found:
    source = one.comes_from if workspace else limits.ORGANIZATION
    columns = {
        "value": storable.count(one.value),
        "source": storable.text(source, 80),
        "org_limit": storable.count(one.org_limit),
    }
    return (workspace, storable.text(group), storable.text(one.type)), columns


class _Overrides:
    """Reads the limits of workspaces, with the inherited ones as long as the vendor knows that question."""

    def __init__(self, client: AdminClient) -> None:
        self._client, self._with_inherited = client, True

    def read(self, workspace: str) -> list[Entry]:
        """The entries of a workspace. Raises: UpstreamError."""
        try:
            return list(limits.workspace_rate_limits(self._client, workspace, with_inherited=self._with_inherited))
        except Refused as error:
            if error.status != 400 or not self._with_inherited:
                raise
            self._with_inherited = False
            return self.read(workspace)
