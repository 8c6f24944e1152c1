"""The sandbox as a real HTTP server on loopback."""

import contextlib
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from costwatch import clock
from costwatch.upstream.sandbox.buckets import DAY, HOUR, seconds
from costwatch.upstream.sandbox.chance import tagged_id
from costwatch.upstream.sandbox.control import Control
from costwatch.upstream.sandbox.faults import TRICKS, Fault, Faults
from costwatch.upstream.sandbox.restate import Restated, restate
from costwatch.upstream.sandbox.sandbox import Answer, Request, Sandbox
from costwatch.upstream.sandbox.wire import deliver, spoiled

REQUESTS_KEPT = 20_000
EVERY_WORKSPACE = "*"


@dataclass(frozen=True, slots=True)
class RequestLog:
    """One request the server answered."""

    method: str
    path: str
    query: str
    status: int
    request_id: str


class SandboxServer:
    """A faithful stand-in for the Admin API with an organization of its own.

    `anchor` fixes what happened when; `now` decides how much of it has happened yet. Units: latency in seconds.
    """

    def __init__(
        self,
        anchor: datetime,
        *,
        seed: int = 7,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        now: Callable[[], datetime] | None = None,
        days: int = 400,
        scale: int = 1,
    ) -> None:
        self.sandbox = Sandbox(anchor, seed, now or clock.now, days, scale)
        self.faults = Faults(seed)
        self.truth = self.sandbox.truth
        self.requests: deque[RequestLog] = deque(maxlen=REQUESTS_KEPT)
        self.peak: Counter[str] = Counter()
        self.latency = latency
        self.admin_key = self.sandbox.keys.admin
        self.reduced_key = self.sandbox.keys.reduced
        self.workspace_key = self.ordinary_key = self.sandbox.keys.workspace
        self.organization_id = str(self.sandbox.directory.me["id"])
        self.control = Control(self)
        self._seed, self._count = seed, 0
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._http = _Http((host, port), _Handler)
        self._http.owner = self
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self._thread: threading.Thread | None = None

    def start(self) -> "SandboxServer":
        """Serve in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, and drop every open connection."""
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()
        self._http.drop_connections()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def restate(
        self, day_or_hour: date | datetime, *, change: str = "up", workspace: str | None = EVERY_WORKSPACE
    ) -> Restated:
        """Change a past day (a date) or hour (a time): `up`, `down`, `vanish` or `new`; truth and bill follow.

        `workspace`: a name or an id, None for the default workspace, "*" for all. Raises: ValueError.
        """
        if isinstance(day_or_hour, datetime):
            start = seconds(day_or_hour) // HOUR * HOUR
            end = start + HOUR
        else:
            start = seconds(datetime(day_or_hour.year, day_or_hour.month, day_or_hour.day, tzinfo=UTC))
            end = start + DAY
        directory = self.sandbox.directory
        identity = directory.workspace_ids.get(workspace or "Default", workspace)
        if identity == directory.default_id:
            identity = None
        everywhere = workspace == EVERY_WORKSPACE
        return restate(self.sandbox.history, start, end, change, identity, everywhere=everywhere)

    def begin(self, path: str) -> str:
        """Note that a request has come in. Shape: its request id."""
        with self._lock:
            self._count += 1
            self._open[path] += 1
            self.peak[path] = max(self.peak[path], self._open[path])
            return tagged_id("req", self._seed, str(self._count)).replace("_01", "_011", 1)

    def finish(self, entry: RequestLog) -> None:
        """Note that a request has been answered."""
        with self._lock:
            self._open[entry.path] -= 1
            self.requests.append(entry)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    owner: SandboxServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        if isinstance(request, socket.socket):
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            if isinstance(request, socket.socket):
                self._connections.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event."""

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: _Http

    def log_message(self, format: str, *args: object) -> None:
        """What came in is in `requests`; nothing is printed."""

    def handle_one_request(self) -> None:
        """Read one request, whatever its method, and answer it."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or len(self.raw_requestline) > 65_536 or not self.parse_request():
            self.close_connection = True
            return
        length = self.headers.get("content-length", "0")
        body = self.rfile.read(min(int(length), 2**20)) if length.isdigit() else b""
        path, _, query = self.path.partition("?")
        if path.startswith("/_sandbox/"):
            self._send(self.server.owner.control.answer(self.command, path, query, body))
        else:
            self._serve(path, query)

    def _serve(self, path: str, query: str) -> None:
        owner = self.server.owner
        request_id = owner.begin(path)
        fault = owner.faults.pick(path, query)
        status = 0
        try:
            if owner.latency or (fault and fault.kind == "latency"):
                time.sleep(owner.latency + (fault.number("seconds") if fault and fault.kind == "latency" else 0.0))
            if fault and fault.kind == "reset":
                self.close_connection = True
                return
            answer = self._answer(path, query, request_id, fault)
            status = answer.status
        finally:
            # Before it is sent: a client that has its answer must find it in the log, and not count as still open.
            owner.finish(RequestLog(self.command, path, query, status, request_id))
        self._send(answer, fault)

    def _answer(self, path: str, query: str, request_id: str, fault: Fault | None) -> Answer:
        owner = self.server.owner
        kind = fault.kind if fault else ""
        hidden = kind == "no_request_id"
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers)
        answer = owner.sandbox.answer(request, request_id, kind if kind in TRICKS else "", hide_request_id=hidden)
        if fault:
            answer = spoiled(fault, answer, request_id)
        if self.command == "HEAD":
            answer.body = b""
        if not hidden:
            answer.headers["request-id"] = request_id
        answer.headers["anthropic-organization-id"] = owner.organization_id
        return answer

    def _send(self, answer: Answer, fault: Fault | None = None) -> None:
        accepts_gzip = "gzip" in self.headers.get("accept-encoding", "")
        try:
            reusable = deliver(self.wfile.write, answer, accepts_gzip=accepts_gzip, fault=fault)
        except OSError:
            reusable = False
        if not reusable:
            self.close_connection = True
