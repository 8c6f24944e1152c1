"""The service accounts list, which answers OAuth tokens only."""

from costwatch.upstream.sandbox import token_lists
from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.query import Query, Rejection, Tokens

PATH = "/v1/organizations/service_accounts"
SINGLE = (*token_lists.SINGLE, "include_archived")


def check_key(*, is_oauth: bool) -> None:
    """Let an OAuth token through. Raises: Rejection for any key."""
    if not is_oauth:
        raise Rejection(403, "permission_error", "This endpoint requires an OAuth token with the org:admin scope.")


def answer(directory: Directory, query: Query, tokens: Tokens, trick: str = "") -> Object:
    """One page, newest first; archived ones only when asked for. Raises: Rejection."""
    archived = query.flag("include_archived")
    found = [one for one in directory.service_accounts if archived or one["archived_at"] is None]
    return token_lists.page(found, query, tokens, query.limit(20, 100), trick)
