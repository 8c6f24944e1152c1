"""A signed-in caller of the API, with the small ledger of the pages behind it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costwatch.directory.models import Organization
from tests.web.conftest import _fresh_cache, ledger  # noqa: F401

NOVEMBER = "since=2026-11-01&until=2026-11-21"


@pytest.fixture
def caller(client: Client, organization: Organization) -> Client:
    """A client of a signed-in person; nothing is read yet."""
    client.force_login(User.objects.create_user("finance"))
    return client


@pytest.fixture
def api(caller: Client, ledger: Organization) -> Client:  # noqa: F811
    """The same, with the small ledger behind it."""
    return caller


def get(api: Client, address: str, **headers: str) -> Any:
    return api.get(f"/api/v1/{address}", headers=headers)


def refused(response: Any, status: int) -> dict[str, Any]:
    """The problem of a refusal, after checking that it is one."""
    assert response.status_code == status, response.content[:300]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    made: dict[str, Any] = json.loads(response.content)
    assert list(made) == ["type", "title", "status", "detail", "instance", "errors"]
    assert made["status"] == status
    assert made["detail"].endswith(".")
    return made
