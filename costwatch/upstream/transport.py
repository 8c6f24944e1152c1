"""An httpx transport with a wall-clock deadline, and a reader that bounds what a body may become.

httpx alone has no total deadline and no size limit: a dripping answer runs for ever, and 200 kB of gzip can unpack to
200 MB. Both are measured on the raw bytes here, before anything is kept.
"""

import ssl
import time
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import certifi
import httpcore
import httpx

from costwatch.upstream.errors import Malformed, TooLarge, Unreachable

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
TOTAL_SECONDS = 60.0
WIRE_LIMIT = 8 * 2**20
DECODED_LIMIT = 32 * 2**20


class Deadline:
    """The moment a request must be over.

    Units: seconds of the monotonic clock.
    """

    def __init__(self, seconds: float = TOTAL_SECONDS) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def cap(self, timeout: float | None) -> float:
        """The shorter of a time-out and what is left. Raises: httpcore.ReadTimeout when nothing is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"no complete answer within {self.seconds:.0f} s")
        return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
    """A socket whose every wait is also bounded by the deadline of the request it serves."""

    def __init__(self, inner: httpcore.NetworkStream, current: dict[str, Deadline]) -> None:
        self._inner, self._current = inner, current

    def _cap(self, timeout: float | None) -> float | None:
        deadline = self._current.get("deadline")
        return deadline.cap(timeout) if deadline else timeout

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._inner.read(max_bytes, self._cap(timeout))
        except httpcore.ReadTimeout:
            # Say which of the two ran out: the wait for the next byte, or the whole answer's time.
            self._cap(timeout)
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _DeadlineStream(self._inner.start_tls(*args, **kwargs), self._current)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _DeadlineBackend(httpcore.SyncBackend):
    def __init__(self, current: dict[str, Deadline]) -> None:
        self._current = current

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _DeadlineStream(super().connect_tcp(*args, **kwargs), self._current)


class DeadlineTransport(httpx.HTTPTransport):
    """One connection to one origin, used by one thread at a time, every request under a deadline."""

    def __init__(self, *, deadline_seconds: float = TOTAL_SECONDS, **options: Any) -> None:
        super().__init__(trust_env=False, limits=httpx.Limits(max_connections=1), **options)
        self._seconds = deadline_seconds
        self._current: dict[str, Deadline] = {}
        # httpx offers no way in for a network backend; its pool takes one.
        self._pool._network_backend = _DeadlineBackend(self._current)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._current["deadline"] = Deadline(self._seconds)
        return super().handle_request(request)


def read_bounded(
    response: httpx.Response, *, wire_limit: int = WIRE_LIMIT, decoded_limit: int = DECODED_LIMIT
) -> bytes:
    """The whole decoded body of a streamed answer.

    Units: bytes; a compressed body may be `wire_limit` on the wire, any body `decoded_limit` in the end.
    Raises: Malformed when the body is larger, cut short, or encoded in a way we did not ask for.
    """
    request_id = response.headers.get("request-id", "")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    raw = response.iter_raw(64 * 1024)
    if encoding in ("", "identity"):
        return b"".join(_limited(raw, decoded_limit, request_id))
    if encoding != "gzip":
        raise Malformed(
            f"the answer is encoded as {encoding!r}; one layer of gzip was asked for", request_id=request_id
        )
    return _gunzip(_limited(raw, wire_limit, request_id), decoded_limit, request_id)


def _limited(chunks: Iterable[bytes], limit: int, request_id: str) -> Iterable[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the answer is larger than {limit // 2**20} MB", request_id=request_id)
        yield chunk


def _gunzip(chunks: Iterable[bytes], limit: int, request_id: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    left = limit
    try:
        for chunk in chunks:
            part = unpacker.decompress(chunk, left + 1)
            left -= len(part)
            if left < 0:
                raise TooLarge(f"the answer unpacks to more than {limit // 2**20} MB", request_id=request_id)
            parts.append(part)
    except zlib.error as error:
        raise Malformed(f"the answer is not valid gzip: {error}", request_id=request_id) from None
    if not unpacker.eof:
        raise Malformed("the answer was cut short: the gzip end marker is missing", request_id=request_id)
    if unpacker.unused_data:
        raise Malformed("the answer goes on after its gzip end marker", request_id=request_id)
    return b"".join(parts)


def explain(error: httpx.HTTPError, request_id: str = "") -> Unreachable | Malformed:
    """Our error for one of httpx's: what happened, in words."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return Unreachable(f"no connection to the Admin API: {error}", request_id=request_id)
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(
            f"the Admin API did not answer in time: {str(error) or type(error).__name__}", request_id=request_id
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return Malformed(f"the answer was cut short: {error}", request_id=request_id)
    return Unreachable(f"the request failed: {type(error).__name__}: {error}", request_id=request_id)


def trust(ca_bundle: str = "") -> ssl.SSLContext:
    """Whom a connection believes: the given authorities, or else the machine's, never those of the environment.

    Raises: OSError when the bundle cannot be read.
    """
    if ca_bundle:
        return _believing(ca_bundle, None, Path(ca_bundle).stat().st_mtime_ns)
    # The places that were built in; SSL_CERT_FILE and SSL_CERT_DIR would change what the plain names say.
    places = ssl.get_default_verify_paths()
    cafile = places.openssl_cafile if Path(places.openssl_cafile).is_file() else None
    capath = places.openssl_capath if Path(places.openssl_capath).is_dir() else None
    if not (cafile or capath):
        cafile = certifi.where()
    return _believing(cafile, capath, Path(cafile).stat().st_mtime_ns if cafile else 0)


@lru_cache(maxsize=8)
def _believing(cafile: str | None, capath: str | None, changed_at: int) -> ssl.SSLContext:
    """A context with the authorities of these places.

    Reading them takes as long as ten small requests: they are read once, and again when the file has changed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=cafile, capath=capath)
    return context
