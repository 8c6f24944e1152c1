"""Putting an answer on the wire, well or badly."""

import gzip
import time
import zlib
from collections.abc import Callable
from functools import lru_cache

from costwatch.upstream.sandbox.faults import Fault
from costwatch.upstream.sandbox.sandbox import Answer, error_answer

Send = Callable[[bytes], object]
WORTH_PACKING = 1024
# Small answers leave in one packet; large ones are not copied for that.
WORTH_COPYING = 65_536


def spoiled(fault: Fault, answer: Answer, request_id: str | None) -> Answer:
    """The answer a fault puts in the place of the right one."""
    kind = fault.kind
    if kind in ("rate_limit", "rate_limit_silent"):
        sentence = "This request would exceed your organization's rate limit."
        limited = error_answer(429, "rate_limit_error", sentence, request_id)
        if kind == "rate_limit":
            limited.headers["retry-after"] = fault.text("retry_after")
        return limited
    if kind == "server_error":
        status = int(fault.number("status"))
        error_type = "timeout_error" if status == 504 else "api_error"
        return error_answer(status, error_type, "Internal server error", request_id)
    if kind == "overloaded":
        return error_answer(529, "overloaded_error", "Overloaded", request_id)
    if kind == "unauthorized":
        return error_answer(401, "authentication_error", "invalid x-api-key", request_id)
    if kind == "html":
        page = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
        return Answer(int(fault.number("status")), page, "text/html")
    if kind == "empty":
        return Answer(200, b"")
    if kind == "body":
        return Answer(int(fault.number("status")), fault.text("text").encode(), fault.text("content_type"))
    if kind == "redirect":
        return Answer(int(fault.number("status")), b"", headers={"location": fault.text("location")})
    return answer


def head(answer: Answer, extra: dict[str, str]) -> bytes:
    """Status line and headers."""
    reason = _REASONS.get(answer.status, "Status")
    lines = [f"HTTP/1.1 {answer.status} {reason}", f"content-type: {answer.content_type}"]
    lines += [f"{name}: {value}" for name, value in {**answer.headers, **extra}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    504: "Gateway Timeout",
    529: "Overloaded",
}


def deliver(send: Send, answer: Answer, *, accepts_gzip: bool, fault: Fault | None) -> bool:
    """Send an answer. Shape: whether the connection can be used again."""
    kind = fault.kind if fault else ""
    if fault and kind == "truncate":
        return _truncated(send, answer, fault)
    if fault and kind == "drip":
        return _drip(send, answer, fault)
    if fault and kind in ("gzip_bomb", "gzip_twice"):
        packed = bomb(int(fault.number("megabytes")))
        layers = {"content-encoding": "gzip"}
        if kind == "gzip_twice":
            packed, layers = gzip.compress(packed, 9), {"content-encoding": "gzip, gzip"}
        send(head(answer, {**layers, "content-length": str(len(packed))}) + packed)
        return True
    extra = {}
    body = answer.body
    if accepts_gzip and len(body) >= WORTH_PACKING:
        body = gzip.compress(body, 1, mtime=0)
        extra["content-encoding"] = "gzip"
    extra["content-length"] = str(len(body))
    if len(body) < WORTH_COPYING:
        send(head(answer, extra) + body)
    else:
        send(head(answer, extra))
        send(body)
    return True


def _truncated(send: Send, answer: Answer, fault: Fault) -> bool:
    """Stop in the middle of the body, with each of the framings a client can meet."""
    body, extra = answer.body, {"connection": "close"}
    if fault.options["gzip"]:
        body = gzip.compress(body, 1, mtime=0)
        extra["content-encoding"] = "gzip"
    part = body[: int(len(body) * fault.number("keep"))]
    framing = fault.text("framing")
    if framing == "length":
        extra["content-length"] = str(len(body))
    if framing == "chunked":
        extra["transfer-encoding"] = "chunked"
        part = f"{len(body):x}\r\n".encode() + part
    send(head(answer, extra) + part)
    return False


def _drip(send: Send, answer: Answer, fault: Fault) -> bool:
    send(head(answer, {"content-length": str(len(answer.body))}))
    step = max(1, int(fault.number("bytes")))
    for start in range(0, len(answer.body), step):
        send(answer.body[start : start + step])
        time.sleep(fault.number("seconds"))
    return True


@lru_cache(maxsize=2)
def bomb(megabytes: int) -> bytes:
    """A small gzip stream that unpacks to many megabytes of spaces in a JSON document."""
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * 2**20
    parts = [packer.compress(b'{"data": [')]
    parts += [packer.compress(block) for _ in range(megabytes)]
    parts += [packer.compress(b'], "has_more": false, "next_page": null}'), packer.flush()]
    return b"".join(parts)
