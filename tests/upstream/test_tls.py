"""Certificates are always checked; a private authority has to be named in our own setting (HTTP-07, HTTP-08)."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from costwatch.upstream import organization
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.errors import Unreachable

ME = b'{"id":"org-1","type":"organization","name":"Example Inc"}'


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ME)))
        self.end_headers()
        self.wfile.write(ME)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever refuses our certificate hangs up."""


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bundle = folder, folder / "ca.crt"
        made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test authority")
        openssl(*made, "-keyout", folder / "ca.key", "-out", self.bundle, "-addext", "keyUsage=critical,keyCertSign")

    def certify(self, name: str, *, days: int = 2) -> tuple[Path, Path]:
        """A certificate for a host, signed by this authority. Shape: certificate, key."""
        key, request, certificate = (self.folder / f"leaf.{end}" for end in ("key", "csr", "crt"))
        kind = "IP" if name[0].isdigit() else "DNS"
        (self.folder / "ext").write_text(f"subjectAltName={kind}:{name}\n")
        made = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl(*made)
        signing = ("-CA", self.bundle, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        dated = ("-days", str(days), "-extfile", self.folder / "ext")
        openssl("x509", "-req", "-in", request, *signing, *dated, "-out", certificate)
        return certificate, key


@contextmanager
def serving(certificate: Path, key: Path, *, at_most: ssl.TLSVersion | None = None) -> Iterator[str]:
    """An https server. Shape: its origin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if at_most:
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, at_most
    server = _Quiet(("127.0.0.1", 0), _Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def ask(origin: str, bundle: Path | str = "", proxy: str = "") -> str:
    with AdminClient(origin, lambda: Secret("k"), tries=1, ca_bundle=str(bundle), proxy=proxy) as client:
        return organization.me(client).name


def test_http_08_a_private_authority_is_believed_where_it_was_named(authority: Authority) -> None:
    with serving(*authority.certify("127.0.0.1")) as origin:
        assert ask(origin, authority.bundle) == "Example Inc"
        with pytest.raises(Unreachable, match="certificate"):
            ask(origin)


@pytest.mark.parametrize(("name", "days"), [("api.example.com", 2), ("127.0.0.1", -1)])
def test_http_08_a_wrong_host_and_an_expired_certificate_are_refused(
    authority: Authority, name: str, days: int
) -> None:
    with serving(*authority.certify(name, days=days)) as origin, pytest.raises(Unreachable, match="certificate"):
        ask(origin, authority.bundle)


def test_http_08_a_certificate_that_signed_itself_is_refused(tmp_path: Path) -> None:
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1")
    openssl(*made, "-keyout", tmp_path / "key", "-out", tmp_path / "crt", "-addext", "subjectAltName=IP:127.0.0.1")
    with serving(tmp_path / "crt", tmp_path / "key") as origin, pytest.raises(Unreachable, match="certificate"):
        ask(origin)


def test_http_07_authorities_and_proxies_of_the_environment_are_ignored(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.bundle))
    with serving(*authority.certify("127.0.0.1")) as origin:
        assert ask(origin, authority.bundle) == "Example Inc"
        with pytest.raises(Unreachable, match="certificate"):
            ask(origin)
        with pytest.raises(Unreachable):
            ask(origin, authority.bundle, proxy="http://127.0.0.1:9")
