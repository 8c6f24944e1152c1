"""A faithful stand-in for the Admin API, with an organization of its own: for the first run, development and tests."""

from costwatch.upstream.sandbox.server import RequestLog, SandboxServer
from costwatch.upstream.sandbox.truth import Totals, Truth

__all__ = ["RequestLog", "SandboxServer", "Totals", "Truth"]
