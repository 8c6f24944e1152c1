"""Limits of workspaces that somebody has prepared, with the request that each stands for. Nothing is sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.db import transaction
from django.utils.translation import gettext as _

from costwatch import clock
from costwatch.directory.limits import Limit, Limits, limits_now
from costwatch.directory.models import DEFAULT_WORKSPACE, Organization, PreparedLimit, RateLimitGroup, Workspace

# The largest value the vendor takes, and the limiter that a workspace cannot have a value of.
# Source: POST rate_limits of a workspace, 2026-11.
HIGHEST, UNSETTABLE = 2**53 - 1, "enqueued_batch_requests"
LONGEST_WHY = 500


class CannotPrepare(ValueError):
    """A limit that cannot be prepared; the message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """What would be sent: the path and the body as JSON."""

    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared limit beside what applies now; `request` is None where its group's entry has no id, or is gone."""

    row: PreparedLimit
    now: Limit | None
    above: int | None
    request: Request | None

    @property
    def is_capped(self) -> bool:
        """Whether the organization's value is lower, and would apply."""
        return self.above is not None and self.row.value > self.above


def settable(limits: Limits) -> tuple[Limit, ...]:
    """The organization's limiters that a workspace can have a value of; none where limits are assumed."""
    found = () if limits.is_assumed else limits.of()
    return tuple(one for one in found if one.value is not None and one.limiter != UNSETTABLE)


def prepare(
    *, organization: Organization, workspace_key: str, group: str, limiter: str, value: int, why: str, by: str
) -> PreparedLimit:
    """Prepare a workspace's own value of a limiter, in place of the one prepared before.

    Units: as the limiter's name says.
    Raises: CannotPrepare, and nothing is changed.
    """
    if workspace_key == DEFAULT_WORKSPACE:
        raise CannotPrepare(_("The default workspace cannot have limits of its own."))
    if not Workspace.objects.filter(
        organization=organization, key=workspace_key, gone_at=None, archived_at=None
    ).exists():
        raise CannotPrepare(_("There is no such workspace."))
    limits = limits_now(organization)
    if limits.is_assumed:
        raise CannotPrepare(_("The limits of this organization are assumed, not read: a request could not name them."))
    if (group, limiter) not in {(one.group.id, one.limiter) for one in settable(limits)}:
        raise CannotPrepare(_("The organization has no such limit that a workspace could have a value of."))
    if not 0 <= value <= HIGHEST:
        raise CannotPrepare(_("The value is a whole number from 0 to %(most)s.") % {"most": f"{HIGHEST:,}"})
    if len(why) > LONGEST_WHY:
        raise CannotPrepare(_("The reason has at most %(most)d characters.") % {"most": LONGEST_WHY})
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        named = {"organization": organization, "workspace_key": workspace_key, "group": group, "limiter": limiter}
        PreparedLimit.objects.filter(**named, withdrawn_at=None).update(withdrawn_at=clock.now())
        return PreparedLimit.objects.create(**named, value=value, why=why, made_by=by[:200], made_at=clock.now())


def withdraw(*, organization: Organization, number: int) -> bool:
    """Withdraw a prepared limit; whether there was one."""
    rows = PreparedLimit.objects.filter(organization=organization, pk=number, withdrawn_at=None)
    return bool(rows.update(withdrawn_at=clock.now()))


def prepared(organization: Organization) -> Iterator[Prepared]:
    """Everything that is prepared and not withdrawn, the newest first."""
    limits = limits_now(organization)
    entries = dict(
        RateLimitGroup.objects.filter(organization=organization, gone_at=None).values_list("external_id", "entry_id")
    )
    ids = dict(Workspace.objects.filter(organization=organization, gone_at=None).values_list("key", "external_id"))
    for row in PreparedLimit.objects.filter(organization=organization, withdrawn_at=None).order_by("-pk"):
        name = (row.group, row.limiter)
        now = {(one.group.id, one.limiter): one for one in limits.of(row.workspace_key)}.get(name)
        above = {(one.group.id, one.limiter): one.value for one in limits.of()}.get(name)
        yield Prepared(row, now, above, _request(row, ids.get(row.workspace_key, ""), entries.get(row.group, "")))


def _request(row: PreparedLimit, workspace_id: str, entry_id: str) -> Request | None:
    if not workspace_id or not entry_id:
        return None
    return Request(
        f"/v1/organizations/workspaces/{quote(workspace_id, safe='')}/rate_limits/{quote(entry_id, safe='')}",
        json.dumps({"limits": [{"type": row.limiter, "value": row.value}]}, separators=(",", ":")),
    )
