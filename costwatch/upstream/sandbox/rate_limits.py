"""Configured rate limits: the organization's groups, and what its workspaces have set over them."""

from costwatch.upstream.sandbox import token_lists
from costwatch.upstream.sandbox.buckets import DAY, moment_of
from costwatch.upstream.sandbox.chance import tagged_id
from costwatch.upstream.sandbox.limit_plan import (
    CACHE_AWARE,
    FAST_IN,
    FAST_OUT,
    GROUPS,
    ITPM,
    OTPM,
    OVERRIDES,
    TPM,
    Group,
    Steps,
    on,
)
from costwatch.upstream.sandbox.models import BY_NAME
from costwatch.upstream.sandbox.offer import Offer, check
from costwatch.upstream.sandbox.organization import Directory, Object
from costwatch.upstream.sandbox.query import Query, Tokens, not_found

PATH = "/v1/organizations/rate_limits"
GROUP_TYPES = ("model_group", "batch", "token_count", "files", "skills", "web_search")
MOST = 1000
OF_TOKENS = (ITPM, CACHE_AWARE, OTPM, TPM, FAST_IN, FAST_OUT)


class RateLimits:
    """The limits of one organization. Units: `now` in seconds since 1970."""

    def __init__(self, directory: Directory, anchor_day: int, seed: int, offer: Offer) -> None:
        self._directory, self._anchor_day, self._seed, self._offer = directory, anchor_day, seed, offer
        self._teams = {identity: name for name, identity in directory.workspace_ids.items()}

    def parameters(self, workspace: str) -> tuple[str, ...]:
        """The parameters the endpoint of a workspace (or, if empty, of the organization) knows."""
        own = "include_inherited" if workspace else "model"
        if self._offer.rate_limits == "old":
            return ("group_type", "page") if workspace else ("group_type", "page", "model")
        return ("group_type", own, *token_lists.SINGLE)

    def answer(self, workspace: str, query: Query, tokens: Tokens, version: str, now: int, trick: str = "") -> Object:
        """One page; everything when no limit is given. Raises: Rejection."""
        check(self._offer.rate_limits, "Rate limits")
        if workspace and workspace not in self._teams:
            raise not_found("Workspace not found")
        wanted = query.choice("group_type", GROUP_TYPES, "")
        day, model = now // DAY - self._anchor_day, query.one("model")
        entries = []
        for group in GROUPS:
            names = self._models(group, day, now)
            if (group.kind == "model_group" and not names) or (model is not None and model not in names):
                continue
            limits = (
                self._of_workspace(group, workspace, query, day) if workspace else self._of_organization(group, day)
            )
            if limits and wanted in ("", group.kind):
                entries.append(self._entry(group, names, limits, workspace, version))
        if model is not None and not entries:
            raise not_found(f"No rate limits found for model: {model[:100]}")
        return token_lists.page(entries, query, tokens, query.limit(max(1, len(entries)), MOST), trick)

    def _models(self, group: Group, day: int, now: int) -> list[str]:
        """The names of a group's models on a day, with the short names of dated ones."""
        today, names = moment_of(now).date(), []
        for one in group.models:
            model = BY_NAME[one.model]
            if one.since <= day < one.until and model.launched <= today < model.retired:
                names.append(one.model)
                short, _, dated = one.model.rpartition("-")
                if len(dated) == 8 and dated.isdigit():
                    names.append(short)
        return names

    def _of_workspace(self, group: Group, workspace: str, query: Query, day: int) -> list[Object]:
        inherited = query.flag("include_inherited")
        organization = {limiter: self._on(limiter, steps, day) for limiter, steps in group.limits.items()}
        own = {
            override.limiter: value
            for override in OVERRIDES
            if (override.team, override.group) == (self._teams[workspace], group.label)
            if (value := self._on(override.limiter, override.steps, day)) is not None
        }
        values = {**organization, **own} if inherited else own
        return [
            {
                "type": limiter,
                "value": value,
                "org_limit": organization.get(limiter),
                "source": {"type": "workspace" if limiter in own else "organization"},
            }
            for limiter, value in values.items()
            if value is not None
        ]

    def _entry(self, group: Group, names: list[str], limits: list[Object], workspace: str, version: str) -> Object:
        is_old = self._offer.rate_limits == "old"
        entry: Object = {"type": "workspace_rate_limit" if workspace else "rate_limit"}
        if not is_old:
            shown: Object = {"type": group.kind, "id": tagged_id("rlg", 0, group.label)}
            if group.display:
                shown["display_name"] = group.display
            entry["rate_limit_id" if workspace else "id"] = tagged_id("rlim", self._seed, group.label)
            entry["group"] = shown
            if workspace:
                entry["workspace_id"] = workspace
        if is_old or version == "2023-06-01":
            entry["group_type"] = group.kind
        entry["models"] = names if group.kind == "model_group" else None
        hidden = ("source",) if is_old else ()
        entry["limits"] = [{name: value for name, value in one.items() if name not in hidden} for one in limits]
        return entry

    def _of_organization(self, group: Group, day: int) -> list[Object]:
        values = {limiter: self._on(limiter, steps, day) for limiter, steps in group.limits.items()}
        return [{"type": limiter, "value": value} for limiter, value in values.items() if value is not None]

    def _on(self, limiter: str, steps: Steps, day: int) -> int | None:
        value = on(steps, day)
        is_narrow = self._offer.room == "narrow" and limiter in OF_TOKENS
        return value * 5 // 8 if is_narrow and value is not None else value
