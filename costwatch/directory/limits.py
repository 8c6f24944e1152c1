"""The rate limits in force, now and at a moment of the past.

What a workspace has not set it inherits from the organization. A workspace's value above the organization's is stored
by the vendor, and the lower one applies: it is capped here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from costwatch.directory.history import Values, reading_of, states_at
from costwatch.directory.kinds import RATE_LIMIT_GROUPS, RATE_LIMITS, Listing
from costwatch.directory.models import ORGANIZATION_WIDE, Kind, Organization

MODEL_GROUP = "model_group"
GROUP_COLUMNS, LIMIT_COLUMNS = ("kind", "name", "model_names"), ("value", "source")


@dataclass(frozen=True, slots=True)
class Group:
    """A set of limits. `models` are names and short names; None for a group that is not about models."""

    id: str
    kind: str
    name: str
    models: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one limiter as it applies to the organization or a workspace.

    `value` is in force; `configured` is what the workspace or organization has set, larger where it is capped.
    Units: as the limiter's name says; None is no value.
    """

    group: Group
    limiter: str
    value: int | None
    configured: int | None
    is_inherited: bool

    @property
    def is_capped(self) -> bool:
        """Whether a workspace's own value is above the organization's, which applies."""
        return self.configured is not None and self.value != self.configured


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one moment. `known_since` is when they were first read: what is before that is taken from then.

    Shape: `values` by workspace key (empty for the organization), then by group and limiter.
    """

    groups: Mapping[str, Group]
    values: Mapping[str, Mapping[tuple[str, str], int | None]]
    known_since: datetime | None

    def of(self, workspace_key: str = ORGANIZATION_WIDE) -> tuple[Limit, ...]:
        """What applies to a workspace, or to the organization: groups of models first, by name."""
        organization = self.values.get(ORGANIZATION_WIDE, {})
        own = self.values.get(workspace_key, {})
        found = [self._limit(name, organization, own, workspace_key) for name in {**organization, **own}]
        return tuple(sorted(found, key=lambda one: (*_order(one.group), one.limiter)))

    def group_of(self, model: str) -> Group | None:
        """The group a model is in, by its name or short name."""
        return next((group for group in self.groups.values() if model in (group.models or ())), None)

    def _limit(
        self,
        name: tuple[str, str],
        organization: Mapping[tuple[str, str], int | None],
        own: Mapping[tuple[str, str], int | None],
        workspace_key: str,
    ) -> Limit:
        group = self.groups.get(name[0]) or Group(name[0], "", "", None)
        above, is_inherited = organization.get(name), name not in own
        configured = above if is_inherited else own[name]
        known = [value for value in (above, configured) if value is not None]
        return Limit(group, name[1], min(known, default=None), configured, is_inherited and bool(workspace_key))


def limits_now(organization: Organization) -> Limits:
    """The limits as they were last read."""
    return _limits(
        organization,
        _live(RATE_LIMIT_GROUPS, organization, GROUP_COLUMNS),
        _live(RATE_LIMITS, organization, LIMIT_COLUMNS),
    )


def limits_at(organization: Organization, moment: datetime) -> Limits:
    """The limits, and the groups' models, as they had been read at a moment."""
    groups = states_at(RATE_LIMIT_GROUPS, organization, GROUP_COLUMNS, moment)
    return _limits(organization, groups, states_at(RATE_LIMITS, organization, LIMIT_COLUMNS, moment))


def _live(listing: Listing, organization: Organization, columns: tuple[str, ...]) -> dict[tuple[str, ...], Values]:
    rows: Any = listing.model._default_manager.filter(organization=organization, gone_at=None)
    return {listing.named(row): {column: getattr(row, column) for column in columns} for row in rows}


def _limits(
    organization: Organization, groups: Mapping[tuple[str, ...], Values], limits: Mapping[tuple[str, ...], Values]
) -> Limits:
    made = [
        Group(name, state["kind"], state["name"], None if (m := state["model_names"]) is None else tuple(m))
        for (name,), state in groups.items()
    ]
    values: dict[str, dict[tuple[str, str], int | None]] = {}
    for (workspace_key, group, limiter), state in limits.items():
        values.setdefault(workspace_key, {})[group, limiter] = state["value"]
    reading = reading_of(organization, Kind.RATE_LIMIT)
    ordered = {group.id: group for group in sorted(made, key=_order)}
    return Limits(ordered, values, reading.first_read_at if reading else None)


def _order(group: Group) -> tuple[bool, str, str, str]:
    return (group.kind != MODEL_GROUP, group.kind, group.name, group.id)
