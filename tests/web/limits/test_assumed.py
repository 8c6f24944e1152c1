"""A published tier that is assumed where the limits may not be read."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costwatch.directory.models import Organization
from costwatch.upstream.sandbox.server import SandboxServer
from tests.hot import Read, reading
from tests.web.limits.conftest import words

__all__ = ["reading"]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were rung for."""
    names: list[str] = []

    def send(name: str, *given: Any, **options: Any) -> None:
        names.append(name)

    monkeypatch.setattr("costwatch.web.bell.app.send_task", send)
    return names


def test_without_the_endpoint_a_tier_can_be_assumed_and_the_page_says_so(
    client: Client, reading: Read, upstream: SandboxServer, rung: list[str]
) -> None:
    upstream.sandbox.offer.change(rate_limits="forbidden")
    organization = reading("2026-11-20", room="usual")
    client.force_login(User.objects.create_user("ada"))
    before = words(client.get("/limits/"))
    assert "No limits are known" in before
    assert "The limits are not known" in before
    assert client.post("/limits/assume/", {"tier": "platinum"}).status_code == 302
    assert "There is no such tier now" in words(client.get("/limits/"))
    assert rung == []
    assert client.post("/limits/assume/", {"tier": "scale"}).status_code == 302
    # The figures are not left to the next reading of minutes.
    assert rung == ["costwatch.ingest.tasks.upkeep"]
    organization.refresh_from_db()
    assert (organization.assumed_tier, organization.assumed_by) == ("scale", "ada")
    after = words(client.get("/limits/"))
    assert "These limits are assumed" in after
    assert "tier Scale as published" in after
    assert "picked by ada" in after
    assert "Choosing makes the figures of the stored hours anew at once" in after


def test_where_the_limits_are_read_a_tier_is_refused_once_and_not_later(page: Client, small: Organization) -> None:
    assert page.post("/limits/assume/", {"tier": "scale"}).status_code == 302
    assert "The limits of this organization are read. Nothing is assumed of it." in words(page.get("/limits/"))
    assert "Nothing is assumed" not in words(page.get("/limits/"))
