"""Callers that are programs: they show a token of the settings, and have neither a session nor a name."""

from secrets import compare_digest

from django.http import HttpRequest


def shows(request: HttpRequest, token: str) -> bool:
    """Whether a request shows a token as `Authorization: Bearer ...`; how long this takes tells nothing of it."""
    given = request.headers.get("authorization", "")
    return bool(token) and compare_digest(given.encode(), f"Bearer {token}".encode())
