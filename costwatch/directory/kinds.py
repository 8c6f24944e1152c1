"""The kinds of rows the mirror keeps: where they are, what names one, and which columns change without a word."""

from dataclasses import dataclass

from costwatch.directory.models import (
    ApiKey,
    Invite,
    Kind,
    Member,
    Model,
    RateLimit,
    RateLimitGroup,
    Seen,
    ServiceAccount,
    SpendLimit,
    Workspace,
    WorkspaceMember,
)

SEPARATOR = "/"


@dataclass(frozen=True, slots=True)
class Listing:
    """A kind of rows. `identity` are the columns that name one; a change of a `quiet` column is written, not told."""

    kind: Kind
    model: type[Seen]
    identity: tuple[str, ...] = ("external_id",)
    quiet: tuple[str, ...] = ("extra",)

    def named(self, row: Seen) -> tuple[str, ...]:
        """What names a row."""
        return tuple(str(getattr(row, column)) for column in self.identity)


WORKSPACES = Listing(Kind.WORKSPACE, Workspace, ("key",))
API_KEYS = Listing(Kind.API_KEY, ApiKey)
MEMBERS = Listing(Kind.MEMBER, Member)
INVITES = Listing(Kind.INVITE, Invite)
WORKSPACE_MEMBERS = Listing(Kind.WORKSPACE_MEMBER, WorkspaceMember, ("workspace_key", "user_id"))
SERVICE_ACCOUNTS = Listing(Kind.SERVICE_ACCOUNT, ServiceAccount)
MODELS = Listing(Kind.MODEL, Model)
RATE_LIMIT_GROUPS = Listing(Kind.RATE_LIMIT_GROUP, RateLimitGroup)
# The organization's value has a row of its own, which tells when it changes.
RATE_LIMITS = Listing(Kind.RATE_LIMIT, RateLimit, ("workspace_key", "group", "limiter"), ("extra", "org_limit"))
SPEND_LIMITS = Listing(Kind.SPEND_LIMIT, SpendLimit)
