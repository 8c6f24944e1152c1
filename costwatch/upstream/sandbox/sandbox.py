"""The sandbox without its socket: keys, routes, and the answers to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from costwatch.upstream.sandbox import (
    analytics,
    catalogue,
    claude_code,
    cost,
    lists,
    rate_limits,
    service_accounts,
    spend_limits,
    usage,
)
from costwatch.upstream.sandbox.analytics import Analytics
from costwatch.upstream.sandbox.buckets import DAY, seconds
from costwatch.upstream.sandbox.claude_code import ClaudeCode
from costwatch.upstream.sandbox.cost import Bill
from costwatch.upstream.sandbox.history import History
from costwatch.upstream.sandbox.offer import Offer
from costwatch.upstream.sandbox.organization import build
from costwatch.upstream.sandbox.query import Query, Rejection, Tokens, bad, not_found
from costwatch.upstream.sandbox.truth import Truth

VERSIONS = ("2023-06-01", "2026-10-21")
PREFIX = "/v1/organizations/"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Answer:
    """One answer, before it is put on the wire."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys the sandbox knows; all are obvious fakes."""

    admin: str = "sk-ant-admin01-sandbox-not-a-real-key-0000000000AA"
    reduced: str = "sk-ant-admin01-sandbox-usage-only-000000000000AA"
    workspace: str = "sk-ant-api03-sandbox-workspace-key-00000000000AA"
    oauth: str = "sk-ant-oat01-sandbox-not-a-real-token-000000000AA"


def error_answer(status: int, kind: str, message: str, request_id: str | None) -> Answer:
    """An error in the vendor's shape; without a request id the outer type is missing too, as sometimes seen."""
    inner = {"type": kind, "message": message}
    body: dict[str, object] = {"error": inner}
    if request_id is not None:
        body = {"type": "error", "error": inner, "request_id": request_id}
    return Answer(status, msgspec.json.encode(body))


class Sandbox:
    """One organization that can be asked what the Admin API can be asked."""

    def __init__(self, anchor: datetime, seed: int, now: Callable[[], datetime], days: int, scale: int) -> None:
        anchor = anchor.astimezone(UTC)
        self.keys = Keys()
        self.directory = build(anchor, seed, scale)
        self.history = History(self.directory, seconds(anchor) // DAY, seed, days)
        self.bill = Bill(self.history, self.directory, seed)
        self.offer = Offer()
        self.rate_limits = rate_limits.RateLimits(self.directory, self.history.anchor_day, seed, self.offer)
        self._seed, self._clock = seed, now
        self.truth = Truth(self.history, self.bill, self.directory, self.now)
        self._tokens = Tokens(seed)
        self.analytics = Analytics(self.history, self.bill, self.directory, self._tokens, self.offer)
        self.claude_code = ClaudeCode(self.history, self.directory, seed)

    def now(self) -> int:
        """The sandbox's time. Units: whole seconds since 1970."""
        return seconds(self._clock())

    def answer(self, request: Request, request_id: str, trick: str = "", *, hide_request_id: bool = False) -> Answer:
        """The answer to a request, errors included."""
        try:
            if request.method != "GET":
                raise Rejection(405, "invalid_request_error", "Method Not Allowed")
            key = self._authenticate(request.headers, request.path)
            version = _version(request.headers)
            body = self._route(request, key, version, trick)
        except Rejection as rejection:
            shown = None if hide_request_id else request_id
            return error_answer(rejection.status, rejection.kind, rejection.message, shown)
        return Answer(200, body if isinstance(body, bytes) else msgspec.json.encode(body))

    def _authenticate(self, headers: Mapping[str, str], path: str) -> str:
        key = headers.get("x-api-key", "")
        if not key and "authorization" in headers:
            key = headers["authorization"].removeprefix("Bearer ").strip()
            if key not in (self.keys.admin, self.keys.reduced, self.keys.oauth):
                raise Rejection(401, "authentication_error", "Invalid bearer token")
            return key
        if not key:
            raise Rejection(401, "authentication_error", "x-api-key header is required")
        if key == self.keys.workspace and path != catalogue.PATH:
            raise Rejection(403, "permission_error", "This endpoint requires an Admin API key, not a workspace's key.")
        if key not in (self.keys.admin, self.keys.reduced, self.keys.workspace):
            raise Rejection(401, "authentication_error", "invalid x-api-key")
        return key

    def _route(self, request: Request, key: str, version: str, trick: str) -> object:
        betas = [beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",") if beta.strip()]
        path = request.path
        if key == self.keys.reduced and path not in (usage.PATH, PREFIX + "me"):
            raise Rejection(403, "permission_error", "This API key lacks the permission required for this endpoint.")
        if path == PREFIX + "me":
            Query.read(path, request.query, betas, single=(), many=())
            return self.directory.me
        if path == usage.PATH:
            query = Query.read(path, request.query, betas, single=usage.SINGLE, many=usage.MANY)
            return usage.answer(self.history, self._tokens, query, self.now(), trick)
        if path == cost.PATH:
            query = Query.read(path, request.query, betas, single=cost.SINGLE, many=cost.MANY)
            return cost.answer(self.bill, self._tokens, query, self.now(), trick)
        if path == spend_limits.PATH:
            query = Query.read(path, request.query, betas, single=spend_limits.SINGLE, many=spend_limits.MANY)
            asked = (self.directory, self.history.anchor_day, self._seed, self.offer, query, self._tokens)
            return spend_limits.answer(*asked, self.now(), trick)
        if path == service_accounts.PATH:
            service_accounts.check_key(is_oauth=key == self.keys.oauth)
            query = Query.read(path, request.query, betas, single=service_accounts.SINGLE, many=())
            return service_accounts.answer(self.directory, query, self._tokens, trick)
        if path == catalogue.PATH:
            many = catalogue.parameters(self.offer)
            query = Query.read(path, request.query, betas, single=catalogue.SINGLE, many=many)
            return catalogue.answer(self.offer, query, self.now(), trick)
        if workspace := lists.workspace_of(path, "members"):
            query = Query.read(path, request.query, betas, single=lists.CURSOR, many=())
            return lists.members(self.directory, workspace, query, trick)
        workspace = lists.workspace_of(path, "rate_limits")
        if workspace or path == rate_limits.PATH:
            query = Query.read(path, request.query, betas, single=self.rate_limits.parameters(workspace), many=())
            return self.rate_limits.answer(workspace, query, self._tokens, version, self.now(), trick)
        if path in analytics.PATHS:
            return self.analytics.answer(path, request.query, betas, self.now(), trick)
        if path == claude_code.PATH:
            query = Query.read(path, request.query, betas, single=claude_code.SINGLE, many=())
            return claude_code.answer(self.claude_code, self._tokens, query, self.now(), trick)
        name, _, identity = path.removeprefix(PREFIX).partition("/")
        endpoint = lists.ENDPOINTS.get(name) if path.startswith(PREFIX) else None
        if endpoint is None or "/" in identity:
            raise not_found()
        if identity:
            return lists.one(self.directory, name, identity, version, self.now())
        query = Query.read(path, request.query, betas, single=endpoint.single, many=endpoint.many)
        return lists.answer(self.directory, name, query, version, self.now(), trick)


def _version(headers: Mapping[str, str]) -> str:
    version = headers.get("anthropic-version")
    if not version:
        raise bad("anthropic-version: header is required")
    if version not in VERSIONS:
        raise bad(f'anthropic-version: "{version[:40]}" is not a valid version')
    return version
