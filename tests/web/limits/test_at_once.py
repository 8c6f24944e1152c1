"""What applications tell and people pick is on the page at once, whatever is kept of it."""

from typing import Any

import pytest
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization, Reading
from costwatch.insights.cache import kept
from costwatch.ledger.observations import Response, record_responses
from costwatch.upstream.limit_headers import Said
from tests.web.limits.conftest import line, words


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that runs: pages are kept, none of them from another test."""
    monkeypatch.setattr(clock, "is_frozen", lambda: False)
    kept.forget()


def test_what_applications_tell_is_on_the_page_at_once(page: Client, small: Organization, now: Any) -> None:
    path = f"/limits/?{line()}"
    for number in (1, 2):
        one = Response(small.pk, now - clock.MINUTE, 429, Said({}), model="claude-opus-5-5")
        record_responses(responses=[one], now=now)
        assert f"{number} refused (429)" in words(page.get(path))


def test_a_tier_that_is_picked_is_on_the_page_at_once(
    page: Client, small: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reading.objects.filter(kind="rate_limit").delete()
    monkeypatch.setattr("costwatch.web.limits.assume.ring", lambda what: None)
    assert "Limits not read" in words(page.get("/limits/"))
    for tier, name in (("start", "Start"), ("scale", "Scale")):
        page.post("/limits/assume/", {"tier": tier})
        assert f"Limits assumed: tier {name} as published" in words(page.get("/limits/"))
    page.post("/limits/assume/", {"tier": ""})
    assert "Limits not read" in words(page.get("/limits/"))


def test_a_picked_tier_that_is_no_longer_published_is_said(page: Client, small: Organization) -> None:
    Reading.objects.filter(kind="rate_limit").delete()
    Organization.objects.update(assumed_tier="tier_4")
    assert "Nothing is assumed: tier tier_4, which was picked, is no longer published." in words(page.get("/limits/"))
