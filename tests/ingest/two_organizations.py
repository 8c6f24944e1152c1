"""A vendor with two organizations: two sandboxes behind one origin, told apart by the key or token that asks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import sleep

from costwatch.upstream.sandbox.sandbox import Request, Sandbox
from costwatch.upstream.sandbox.server import SandboxServer

KEYS = {"acme": "sk-ant-admin01-CANARY-acme-0123456789abcdef", "globex": "sk-ant-admin01-CANARY-globex-0123456789ab"}
TOKENS = {"acme": "CANARY-token-of-acme-0123456789", "globex": "CANARY-token-of-globex-0123456789"}
SECRETS = (*KEYS.values(), *TOKENS.values())


class Front:
    """What was asked, by organization; `refused` are secrets that are answered 401."""

    def __init__(self, now: datetime) -> None:
        self.servers = {"acme": SandboxServer(anchor=now, seed=7), "globex": SandboxServer(anchor=now, seed=8)}
        self.refused: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.latency, self.url = 0.0, ""
        self._open: Counter[str] = Counter()
        self._lock = Lock()
        for name, server in self.servers.items():
            server.sandbox.keys = replace(server.sandbox.keys, admin=KEYS[name], oauth=TOKENS[name])

    def organization(self, name: str) -> str:
        """The id of an organization."""
        return self.servers[name].organization_id

    def of(self, headers: dict[str, str]) -> tuple[str, Sandbox]:
        """Whose secret came; one that is refused or nobody's is asked of the first, which does not know it."""
        secret = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        assert not ("x-api-key" in headers and "authorization" in headers)
        for name in self.servers:
            if secret in (KEYS[name], TOKENS[name]) and secret not in self.refused:
                return name, self.servers[name].sandbox
        headers["x-api-key"] = "sk-ant-admin01-refused"
        return next((name for name in KEYS if secret in (KEYS[name], TOKENS[name])), ""), self.servers["acme"].sandbox

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """One request of an organization, from its beginning to its end."""
        with self._lock:
            self.asked[name] += 1
            self._open[name] += 1
            self.most[name] = max(self.most[name], self._open[name])
        try:
            yield
        finally:
            with self._lock:
                self._open[name] -= 1


@contextmanager
def two_organizations(now: datetime) -> Iterator[Front]:
    """Serve both on loopback."""
    front = Front(now)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            name, sandbox = front.of(headers)
            path, _, query = self.path.partition("?")
            with front.counted(name):
                sleep(front.latency)
                answer = sandbox.answer(Request("GET", path, query, headers), "req_011")
            self.send_response(answer.status)
            for header, value in answer.headers.items():
                self.send_header(header, value)
            self.send_header("request-id", "req_011")
            self.send_header("anthropic-organization-id", str(sandbox.directory.me["id"]))
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    front.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        for one in front.servers.values():
            one.stop()
