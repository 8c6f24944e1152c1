"""Configured rate limits and spend limits: what is allowed, never what is left.

A group or limiter that is missing from a workspace's answer is inherited from the organization, not unlimited. A
workspace's value above the organization's is stored as it is, but the lower one applies.

Source: reference pages of rate_limits, workspaces/rate_limits (August and October 2026) and spend_limits (October
2026); the guides' examples omit `id`, `group` and `source`, and the newest version sends no `group_type`.
"""

from collections.abc import Iterator

import msgspec

from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import read_tokens

SPEND_LIMITS_BETA = "spend-limit-reads-2026-09-26"
ORGANIZATION, WORKSPACE = "organization", "workspace"


class Group(msgspec.Struct):
    """What a set of limits applies to. Its id is the same in every organization."""

    type: str = ""
    id: str = ""
    display_name: str | None = None


class Source(msgspec.Struct):
    """Where a workspace's value comes from."""

    type: str = ""


class Limit(msgspec.Struct):
    """One limiter and its value; of a workspace also the organization's value and where the value comes from."""

    type: str
    value: int | None = None
    org_limit: int | None = None
    source: Source | None = None

    @property
    def comes_from(self) -> str:
        """`workspace` or `organization`; older answers do not say, and list only what the workspace has set."""
        return self.source.type if self.source and self.source.type else WORKSPACE


class RateLimit(msgspec.Struct):
    """The limits of one group: of the organization (`id`), or of a workspace (`rate_limit_id`)."""

    limits: list[Limit]
    id: str = ""
    rate_limit_id: str = ""
    group: Group | None = None
    group_type: str = ""
    models: list[str] | None = None

    @property
    def group_id(self) -> str:
        """The group's own id, empty in older answers."""
        return self.group.id if self.group else ""

    @property
    def kind(self) -> str:
        """What the limits apply to, in the shape of any version."""
        return (self.group.type if self.group else "") or self.group_type

    @property
    def display_name(self) -> str:
        """The group's name, where it has one."""
        return (self.group.display_name if self.group else "") or ""


class SpendLimit(msgspec.Struct):
    """A cap on spend. Units: `amount` is an integer decimal text in cents; None is no numeric cap.

    `scope` says what it applies to: its type, and what that type needs, such as a workspace's id.
    """

    id: str
    scope: dict[str, object]
    amount: str | int | None = None
    currency: str = ""
    period: str = ""
    is_enabled: bool = True
    created_at: str | None = None

    @property
    def scope_type(self) -> str:
        """What kind of thing it applies to."""
        return str(self.scope.get("type") or "")

    @property
    def workspace_id(self) -> str:
        """The workspace it applies to, empty for anything else."""
        return str(self.scope.get("workspace_id") or "")


def rate_limits(client: AdminClient) -> Iterator[tuple[RateLimit, dict[str, object]]]:
    """Every group of the organization. Without `limit` they come in one page."""
    return read_tokens(client, "/v1/organizations/rate_limits", RateLimit)


def workspace_rate_limits(
    client: AdminClient, workspace_id: str, *, with_inherited: bool = True
) -> Iterator[tuple[RateLimit, dict[str, object]]]:
    """The groups of a workspace; older deployments do not know `with_inherited` and refuse it with a 400."""
    asked = [("include_inherited", "true")] if with_inherited else []
    return read_tokens(client, f"/v1/organizations/workspaces/{workspace_id}/rate_limits", RateLimit, asked)


def spend_limits(client: AdminClient) -> Iterator[tuple[SpendLimit, dict[str, object]]]:
    """Every spend limit of the organization, its workspaces and its usage tier."""
    return read_tokens(client, "/v1/organizations/spend_limits", SpendLimit, beta=SPEND_LIMITS_BETA)
