"""The rate limits in force, now and at a moment of the past.

What a workspace has not set it inherits from the organization. A workspace's value above the organization's is stored
by the vendor, and the lower one applies: it is capped here. Where none were ever read, those of a published tier may be
assumed, and say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.history import Values, reading_of, states_at
from costwatch.directory.kinds import RATE_LIMIT_GROUPS, RATE_LIMITS, Listing
from costwatch.directory.models import ORGANIZATION_WIDE, Kind, Organization, RateLimitGroup
from costwatch.directory.published import Class, Published, published, tiers

MODEL_GROUP, BATCH = "model_group", "batch"
OF_ORGANIZATION, OF_WORKSPACE, ASSUMED = "organization", "workspace", "assumed"
# How many models name a group that has no name.
NAMED = 2
GROUP_COLUMNS, LIMIT_COLUMNS = ("kind", "name", "model_names"), ("value", "source")


@dataclass(frozen=True, slots=True)
class Group:
    """A set of limits. `models` are names and short names; None for a group that is not about models."""

    id: str
    kind: str
    name: str
    models: tuple[str, ...] | None

    @property
    def label(self) -> str:
        """Its name; where answers have none, its first models, or what it is about."""
        if self.name or not self.models:
            return self.name or self.kind or self.id
        more = f" +{len(self.models) - NAMED}" if len(self.models) > NAMED else ""
        return ", ".join(self.models[:NAMED]) + more


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of one limiter as it applies to the organization or a workspace.

    `value` is in force; `configured` is what the workspace or organization has set, larger where it is capped;
    `source` says whose it is, or that it is assumed. Units: as the limiter's name says; None is no value.
    """

    group: Group
    limiter: str
    value: int | None
    configured: int | None
    is_inherited: bool
    source: str = OF_ORGANIZATION

    @property
    def is_assumed(self) -> bool:
        """Whether nobody has read it: it is a published tier's."""
        return self.source == ASSUMED

    @property
    def is_capped(self) -> bool:
        """Whether a workspace's own value is above the organization's, which applies."""
        return self.configured is not None and self.value != self.configured


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one moment. `known_since` is when they were first read: what is before that is taken from then.
    `read_at` is when they last were.

    Shape: `values` by workspace key (empty for the organization), then by group and limiter; `assumed` is the published
    tier they are taken from, None where they were read.
    """

    groups: Mapping[str, Group]
    values: Mapping[str, Mapping[tuple[str, str], int | None]]
    known_since: datetime | None
    read_at: datetime | None = None
    assumed: Published | None = None

    @property
    def is_assumed(self) -> bool:
        """Whether nobody has read them: they are a published tier's."""
        return self.assumed is not None

    def of(self, workspace_key: str = ORGANIZATION_WIDE) -> tuple[Limit, ...]:
        """What applies to a workspace, or to the organization: groups of models first, by name."""
        organization = self.values.get(ORGANIZATION_WIDE, {})
        own = self.values.get(workspace_key, {})
        found = [self._limit(name, organization, own, workspace_key) for name in {**organization, **own}]
        return tuple(sorted(found, key=lambda one: (*_order(one.group), one.limiter)))

    def group_of(self, model: str) -> Group | None:
        """The group a model is in, by its name or short name."""
        if self.assumed:
            found = self.assumed.class_of(model)
            return self.groups.get(_id(found)) if found else None
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
        source = OF_ORGANIZATION if is_inherited or not workspace_key else OF_WORKSPACE
        return Limit(
            group,
            name[1],
            min(known, default=None),
            configured,
            is_inherited and bool(workspace_key),
            ASSUMED if self.assumed else source,
        )


def limits_now(organization: Organization, *, used: Iterable[str] | None = None) -> Limits:
    """The limits as they were last read, else those that are assumed.

    Shape: assumed groups are those of the models that were `used`; not said, every published one.
    """
    if assumed := assumption(organization, clock.today()):
        return _assumed(assumed, used)
    return _limits(
        organization,
        _live(RATE_LIMIT_GROUPS, organization, GROUP_COLUMNS),
        _live(RATE_LIMITS, organization, LIMIT_COLUMNS),
    )


def limits_at(organization: Organization, moment: datetime, *, used: Iterable[str] | None = None) -> Limits:
    """The limits, and the groups' models, as they had been read at a moment, else those that are assumed of its day."""
    if assumed := assumption(organization, clock.floor_day(moment).date()):
        return _assumed(assumed, used)
    ids = renamed(organization)
    groups = states_at(RATE_LIMIT_GROUPS, organization, GROUP_COLUMNS, moment)
    limits = states_at(RATE_LIMITS, organization, LIMIT_COLUMNS, moment)
    return _limits(
        organization,
        {(ids.get(name, name),): state for (name,), state in groups.items()},
        {(whose, ids.get(group, group), limiter): state for (whose, group, limiter), state in limits.items()},
    )


def renamed(organization: Organization) -> dict[str, str]:
    """The groups of models that are gone while another one has just their models: answers changed their shape.

    Shape: the id a group had, to the one it has.
    """
    rows = RateLimitGroup.objects.filter(organization=organization, kind=MODEL_GROUP).exclude(model_names=None)
    columns = rows.order_by("pk").values_list("external_id", "model_names", "gone_at")
    found = [(name, frozenset(models), gone_at is None) for name, models, gone_at in columns if models]
    there = {models: name for name, models, is_there in found if is_there}
    return {name: there[models] for name, models, is_there in found if not is_there and models in there}


def _live(listing: Listing, organization: Organization, columns: tuple[str, ...]) -> dict[tuple[str, ...], Values]:
    rows: Any = listing.model._default_manager.filter(organization=organization, gone_at=None)
    return {
        tuple(row[name] for name in listing.identity): {column: row[column] for column in columns}
        for row in rows.values(*listing.identity, *columns)
    }


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
    return Limits(ordered, values, *((reading.first_read_at, reading.last_read_at) if reading else (None, None)))


def _order(group: Group) -> tuple[bool, str, str, str]:
    return (group.kind != MODEL_GROUP, group.kind, group.name, group.id)


def assumption(organization: Organization, day: date) -> Published | None:
    """What is assumed of a day: the picked tier as published then; None where limits were read or no tier is picked."""
    if not organization.assumed_tier or reading_of(organization, Kind.RATE_LIMIT):
        return None
    return published(organization.assumed_tier, day)


def assume(organization: Organization, *, tier: str, by: str) -> None:
    """Assume the limits of a published tier where none were read, or of none with an empty tier; `by` picked it.

    Raises: ValueError with what is wrong, and nothing is changed.
    """
    if tier and tier not in (names := [one.id for one in tiers(clock.today())]):
        raise ValueError(_("There is no such tier now. Choose from %(names)s.") % {"names": ", ".join(names)})
    if tier and reading_of(organization, Kind.RATE_LIMIT):
        raise ValueError(_("The limits of this organization are read. Nothing is assumed of it."))
    organization.assumed_tier, organization.assumed_by, organization.assumed_at = tier, by[:200], clock.now()
    organization.save(update_fields=["assumed_tier", "assumed_by", "assumed_at"])


def _assumed(found: Published, used: Iterable[str] | None) -> Limits:
    names = None if used is None else sorted(set(used))
    groups = [Group(_id(found.batch), BATCH, found.batch.name, None)]
    for one in found.classes:
        models = one.models if names is None else tuple(name for name in names if one.has(name))
        if models:
            groups.append(Group(_id(one), MODEL_GROUP, one.name, models))
    allowed = {_id(one): one.limits for one in (*found.classes, found.batch)}
    values = {(group.id, limiter): value for group in groups for limiter, value in allowed[group.id].items()}
    return Limits(
        {group.id: group for group in sorted(groups, key=_order)}, {ORGANIZATION_WIDE: values}, None, assumed=found
    )


def _id(one: Class) -> str:
    return f"{ASSUMED}/{one.id}"
