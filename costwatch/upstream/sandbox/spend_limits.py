"""Limits on spend, behind their beta header: of the organization, of workspaces, and of the usage tier."""

from datetime import timedelta

from costwatch.upstream.sandbox import token_lists
from costwatch.upstream.sandbox.buckets import DAY, moment_of, text_of
from costwatch.upstream.sandbox.chance import number_of, tagged_id
from costwatch.upstream.sandbox.limit_plan import SPEND, Spend, on
from costwatch.upstream.sandbox.offer import Offer, check
from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.query import Query, Tokens, bad

PATH = "/v1/organizations/spend_limits"
BETA = "spend-limit-reads-2026-09-26"
SINGLE, MANY = (*token_lists.SINGLE, "workspace_id"), ("scope_type[]",)
APPLYING = ("organization", "usage_tier", "workspace")
SCOPES = (*APPLYING, "organization_service", "rbac_group", "seat_tier", "user")


def answer(
    directory: Directory, anchor_day: int, seed: int, offer: Offer, query: Query, tokens: Tokens, now: int, trick: str
) -> Object:
    """One page of the limits, newest first. Raises: Rejection."""
    if BETA not in query.betas:
        raise bad(f"This endpoint requires the anthropic-beta header '{BETA}'.")
    check(offer.spend_limits, "Spend limits")
    for given in (wanted := query.choices("scope_type[]", SCOPES)):
        if given not in APPLYING:
            raise bad(f"scope_type: '{given}' does not apply to this organization.")
    workspace = query.one("workspace_id")
    objects = [_shown(one, directory, anchor_day, seed, now // DAY - anchor_day) for one in SPEND]
    found = [
        one
        for one in objects
        if isinstance(scope := one["scope"], dict)
        and (not wanted or scope["type"] in wanted)
        and (workspace is None or scope.get("workspace_id") == workspace)
    ]
    return token_lists.page(found, query, tokens, query.limit(20, 1000), trick)


def _shown(limit: Spend, directory: Directory, anchor_day: int, seed: int, day: int) -> Object:
    amount = on(limit.steps, day)
    made = moment_of((anchor_day + limit.made) * DAY) + timedelta(seconds=number_of(limit.label) % DAY)
    # The tier's times are the organization's: its amount changes while they stay.
    changed = max((since for since, _ in limit.steps if limit.made <= since <= day), default=limit.made)
    touched = made if limit.scope == "usage_tier" else max(made, moment_of((anchor_day + changed) * DAY))
    scope: Object = {"type": limit.scope}
    if limit.team:
        scope["workspace_id"] = directory.workspace_ids[limit.team]
    return {
        "id": tagged_id("spl", seed, limit.label),
        "type": "spend_limit",
        "amount": None if amount is None else str(amount),
        "currency": "USD",
        "period": limit.period,
        "scope": scope,
        "is_enabled": True,
        "created_at": text_of(int(made.timestamp())),
        "updated_at": text_of(int(touched.timestamp())),
    }
