"""A published tier that is assumed where the limits may not be read."""

from django.contrib.auth.models import User
from django.test import Client

from costwatch.upstream.sandbox.server import SandboxServer
from tests.hot import Read, reading
from tests.web.limits.conftest import words

__all__ = ["reading"]


def test_without_the_endpoint_a_tier_can_be_assumed_and_the_page_says_so(
    client: Client, reading: Read, upstream: SandboxServer
) -> None:
    upstream.sandbox.offer.change(rate_limits="forbidden")
    organization = reading("2026-11-20", room="usual")
    client.force_login(User.objects.create_user("ada"))
    before = words(client.get("/limits/"))
    assert "No limits are known" in before
    assert "The limits are not known" in before
    assert client.post("/limits/assume/", {"tier": "platinum"}).status_code == 302
    assert "There is no such tier now" in words(client.get("/limits/"))
    assert client.post("/limits/assume/", {"tier": "scale"}).status_code == 302
    organization.refresh_from_db()
    assert (organization.assumed_tier, organization.assumed_by) == ("scale", "ada")
    after = words(client.get("/limits/"))
    assert "These limits are assumed" in after
    assert "tier Scale as published" in after
    assert "picked by ada" in after
