"""The bounded HTTP client of the Admin API: GET only, by allow-list, to one origin, with a key it cannot show."""

import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import msgspec

from costwatch import __version__
from costwatch.upstream.credential import Secret
from costwatch.upstream.errors import Malformed, Refused, Throttled, Unreachable
from costwatch.upstream.transport import (
    CONNECT_SECONDS,
    READ_SECONDS,
    TOTAL_SECONDS,
    DeadlineTransport,
    explain,
    read_bounded,
    trust,
)

API_VERSION = "2023-06-01"
FAST_MODE_BETA = "fast-mode-2026-02-01"
TRIES = 5
BACKOFF_BASE, BACKOFF_CAP = 0.5, 30.0
RETRY_AFTER_FLOOR, RETRY_AFTER_CAP = 0.5, 300.0
IN_FLIGHT = 4
TOLERATED_SKEW_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
READABLE = (
    "/v1/organizations/me",
    "/v1/organizations/workspaces",
    "/v1/organizations/workspaces/*/members",
    "/v1/organizations/workspaces/*/rate_limits",
    "/v1/organizations/api_keys",
    "/v1/organizations/users",
    "/v1/organizations/invites",
    "/v1/organizations/service_accounts",
    "/v1/organizations/rate_limits",
    "/v1/organizations/spend_limits",
    "/v1/organizations/usage_report/messages",
    "/v1/organizations/usage_report/claude_code",
    "/v1/organizations/cost_report",
    "/v1/organizations/analytics/usage",
    "/v1/organizations/analytics/cost",
    "/v1/models",
)
# Where a path names an object: an id of the vendor's, which cannot lead anywhere else.
_READABLE = re.compile("|".join(re.escape(path).replace(r"\*", "[A-Za-z0-9_-]{1,200}") for path in READABLE))
Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful answer: its body, the id to quote to the vendor, and the organization it is about."""

    body: bytes
    request_id: str
    organization_id: str = ""


@dataclass(slots=True)
class Traffic:
    """What a client did: requests sent (tries included) and the newest request ids."""

    requests: int = 0
    request_ids: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    # How far the vendor's clock is ahead of this machine's, by its newest answer that told the time; None: none did.
    skew_seconds: float | None = None


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)
    request_id: str | None = None


def check_origin(url: str) -> str:
    """The origin we may send a key to.

    Raises: ValueError unless it is https, or plain http to loopback, without user, path or query.
    """
    parts = urlsplit(url.rstrip("/"))
    if "@" not in url:
        _ = parts.port  # urlsplit looks at a port only when it is asked for it, and says what is wrong with it.
    if parts.username or parts.password or "@" in parts.netloc or "\\" in url:
        raise ValueError("the upstream URL must not name a user or a password")
    if parts.path or parts.query or parts.fragment or not parts.hostname:
        raise ValueError(f"the upstream URL {url!r} must be an origin such as https://api.anthropic.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"the upstream URL {url!r} must be https (plain http only to loopback)")
    return f"{parts.scheme}://{parts.netloc}"


class AdminClient:
    """Reads the Admin API. Safe to use from several threads; at most four requests are open at once.

    `credential` is called for each request, so a replaced key file takes effect without a restart. Clients that share a
    `gate` share its four requests.
    """

    def __init__(
        self,
        origin: str,
        credential: Callable[[], Secret],
        *,
        proxy: str = "",
        ca_bundle: str = "",
        deadline_seconds: float = TOTAL_SECONDS,
        tries: int = TRIES,
        gate: AbstractContextManager[object] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.origin = check_origin(origin)
        self.traffic = Traffic()
        self._credential, self._sleep, self._tries = credential, sleep, tries
        self._chance = chance or random.Random()
        self._verify = trust(ca_bundle)
        self._proxy, self._deadline_seconds = proxy or None, deadline_seconds
        self._gate: AbstractContextManager[object] = gate or threading.BoundedSemaphore(IN_FLIGHT)
        self._local = threading.local()
        self._opened: list[httpx.Client] = []

    def __enter__(self) -> "AdminClient":
        return self

    def __exit__(self, *_: object) -> None:
        for http in self._opened:
            http.close()

    def get(self, path: str, params: Params = (), *, beta: str = "") -> Answer:
        """Ask once, and again where that is safe.

        Raises: Refused (the vendor said no), Throttled, Unreachable, Malformed.
        """
        if not _READABLE.fullmatch(path):
            raise ValueError(f"{path} is not on the list of paths this client reads")
        for attempt in range(1, self._tries + 1):
            try:
                with self._gate:
                    response, body = self._send(path, params, beta)
            except Unreachable:
                if attempt == self._tries:
                    raise
                self._sleep(self._backoff(attempt))
                continue
            if response.status_code == 200:
                headers = response.headers
                return Answer(body, headers.get("request-id", ""), headers.get("anthropic-organization-id", ""))
            error = _error_of(response, body)
            if isinstance(error, Refused | Malformed) or attempt == self._tries:
                raise error
            self._sleep(_retry_after(response.headers) or self._backoff(attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(self, path: str, params: Params, beta: str) -> tuple[httpx.Response, bytes]:
        headers = {"anthropic-beta": beta} if beta else {}
        self.traffic.requests += 1
        request_id = ""
        try:
            with self._http().stream("GET", self.origin + path, params=list(params), headers=headers) as response:
                request_id = response.headers.get("request-id", "")
                if request_id:
                    self.traffic.request_ids.append(request_id[:80])
                self._compare_clocks(response.headers.get("date", ""))
                return response, read_bounded(response)
        except httpx.HTTPError as error:
            raise explain(error, request_id) from None

    def _http(self) -> httpx.Client:
        """This thread's connection: a deadline belongs to one request, so connections are not shared."""
        http: httpx.Client | None = getattr(self._local, "http", None)
        if http is None:
            http = self._local.http = httpx.Client(
                transport=DeadlineTransport(
                    deadline_seconds=self._deadline_seconds, verify=self._verify, proxy=self._proxy
                ),
                auth=_KeyAuth(self._credential),
                timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,
                headers={
                    "anthropic-version": API_VERSION,
                    "accept": "application/json",
                    "accept-encoding": "gzip",
                    "user-agent": f"costwatch/{__version__}",
                },
            )
            self._opened.append(http)
        return http

    def _compare_clocks(self, date: str) -> None:
        """Note what the Date header says of our clock; one that cannot be read says nothing."""
        try:
            skew = parsedate_to_datetime(date).timestamp() - time.time() if date else None
        except (ValueError, TypeError, OverflowError):
            return
        if skew is not None:
            self.traffic.skew_seconds = skew

    def _backoff(self, attempt: int) -> float:
        """Full jitter: a fleet that failed together does not come back together."""
        return self._chance.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2**attempt))


class _KeyAuth(httpx.Auth):
    """Adds the key inside the transport, so that it is never a local variable beside a failing call."""

    def __init__(self, credential: Callable[[], Secret]) -> None:
        self._credential = credential

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        secret = self._credential()
        # Never both: a proxy or the vendor might prefer the other one.
        used, other = ("authorization", "x-api-key") if secret.is_bearer else ("x-api-key", "authorization")
        request.headers[used] = ("Bearer " if secret.is_bearer else "") + secret.reveal()
        request.headers.pop(other, None)
        yield request


def _error_of(response: httpx.Response, body: bytes) -> Refused | Throttled | Unreachable | Malformed:
    status, request_id = response.status_code, response.headers.get("request-id", "")
    if 300 <= status < 400:
        return Malformed(
            f"the Admin API answered with a redirect ({status}), which is not followed", request_id=request_id
        )
    try:
        parsed = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        parsed = _ErrorBody()
    request_id = request_id or parsed.request_id or ""
    kind = parsed.error.type or f"http_{status}"
    sentence = parsed.error.message or "the answer held no explanation"
    if status == 429:
        return Throttled(f"429 {kind}: {sentence}", request_id=request_id)
    if status == 408 or status >= 500:
        return Unreachable(f"{status} {kind}: {sentence}", request_id=request_id)
    if status < 400:
        return Malformed(f"the Admin API answered {status} where 200 was expected", request_id=request_id)
    return Refused(status, kind, sentence, request_id=request_id)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait the vendor asks for, in seconds, within our bounds; None when it says nothing we can read."""
    text = headers.get("retry-after", "").split(",")[0].strip()
    if not text:
        return None
    try:
        seconds = float(text) if text.isascii() and text.replace(".", "", 1).lstrip("-").isdigit() else None
        if seconds is None:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, RETRY_AFTER_FLOOR), RETRY_AFTER_CAP)
