"""The limits as they are configured: every group and limiter, what workspaces have set, and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from costwatch.directory.kinds import SEPARATOR
from costwatch.directory.limits import MODEL_GROUP, Group, Limit
from costwatch.directory.models import DirectoryChange, Kind, Organization
from costwatch.insights.limits.lines import Lines
from costwatch.web import names
from costwatch.web.limits import words
from costwatch.web.limits.named import Named

MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Value:
    """One limiter's value for the organization, or a workspace's own."""

    whose: str
    limiter: str
    limiter_id: str
    value: str
    note: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class GroupValues:
    """A group with everything that is set for it."""

    name: str
    id: str
    models: tuple[str, ...]
    note: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of a limit or of a group."""

    seen_at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Configured:
    """Groups of models first; models that are in none and were used; the newest changes."""

    groups: tuple[GroupValues, ...]
    groupless: tuple[str, ...]
    changes: tuple[Changed, ...]


def configured(organization: Organization, found: Lines, named: Named) -> Configured:
    """What is configured now, and what changed."""
    limits, called = found.limits, named.workspaces
    values: dict[str, list[Value]] = {}
    for workspace in sorted(limits.values, key=lambda key: (bool(key), called.get(key, key))):
        for one in limits.of(workspace):
            if not one.is_inherited:
                values.setdefault(one.group.id, []).append(_value(one, workspace, called))
    groups = [
        GroupValues(
            _group(group), group.id, tuple(group.models or ()), _note(group, found), tuple(values.get(group.id, ()))
        )
        for group in limits.groups.values()
    ]
    groupless = sorted({line.group for line in found.lines if line.key.group_id not in limits.groups})
    return Configured(
        tuple(groups),
        tuple(groupless),
        tuple(_changes(organization, called, {group.id: _group(group) for group in limits.groups.values()})),
    )


def _value(one: Limit, workspace: str, called: Mapping[str, str]) -> Value:
    whose = called.get(workspace, workspace) if workspace else _("Organization")
    value = "–" if one.configured is None else f"{one.configured:,}"
    note = _("assumed") if one.is_assumed else ""
    if workspace and one.is_capped and one.value is not None:
        note = _("capped at the organization's %(value)s") % {"value": f"{one.value:,}"}
    elif workspace and one.value is not None and one.configured is not None:
        note = _("own value")
    return Value(whose, words.limiter(one.limiter), one.limiter, value, note, bool(workspace))


def _group(group: Group) -> str:
    return (
        names.visible(group.name)
        if group.name
        else str(words.KINDS.get(group.kind) or names.visible(group.kind, group.id))
    )


def _note(group: Group, found: Lines) -> str:
    if group.kind != MODEL_GROUP:
        return ""
    return _("not used in 24 hours") if group in found.idle else ""


def _changes(organization: Organization, called: Mapping[str, str], groups: dict[str, str]) -> list[Changed]:
    rows = DirectoryChange.objects.filter(organization=organization, kind__in=(Kind.RATE_LIMIT, Kind.RATE_LIMIT_GROUP))
    # What was there when limits were read first did not change.
    first = rows.order_by("seen_at").values_list("seen_at", flat=True).first()
    if first is not None:
        rows = rows.exclude(what=DirectoryChange.What.ADDED, seen_at=first)
    return [Changed(row.seen_at, _told(row, called, groups)) for row in rows.order_by("-seen_at", "-pk")[:MOST_CHANGES]]


def _told(row: DirectoryChange, called: Mapping[str, str], groups: dict[str, str]) -> str:
    fields = ", ".join(
        f"{names.visible(name)}: {_shown(old)} → {_shown(new)}" for name, (old, new) in sorted(row.fields.items())
    )
    what = {"added": _("added"), "gone": _("gone"), "returned": _("back"), "changed": ""}.get(
        str(row.what), str(row.what)
    )
    if row.kind == Kind.RATE_LIMIT:
        workspace, group, limiter = (*row.external_id.split(SEPARATOR, 2), "", "")[:3]
        whose = called.get(workspace, names.visible(workspace)) if workspace else _("Organization")
        parts = [groups.get(group, names.visible(group)), whose, words.limiter(limiter)]
    else:
        parts = [groups.get(row.external_id, names.visible(row.external_id))]
    return " · ".join(part for part in (*parts, what, fields) if part)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
