"""What nobody has read is not shown as zero: hours, minutes, the last hour, the figures for rules."""

import re
from typing import Any

import pytest
from django.test import Client

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage
from costwatch.insights.limits.lines import lines
from costwatch.insights.limits.measures import limit_measures
from costwatch.ledger.models import LimitHour, MinuteFact
from costwatch.web.limits.asked import text_of
from tests.hot import hot, hot_days
from tests.web.limits.conftest import words

__all__ = ["hot", "hot_days"]
OUTPUT = "output_tokens_per_minute"


def at(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTWATCH_NOW", moment)


def first(organization: Organization) -> Any:
    return lines(organization).lines[0]


def test_minutes_go_as_far_as_they_were_read_in_the_hour_under_way(browser: Client, hot: Organization) -> None:
    newest = MinuteFact.objects.order_by("-minute").values_list("minute", flat=True).first()
    assert newest is not None
    assert newest >= clock.parse("2026-11-20T14:02:00Z")
    assert "Minutes through 14:05 UTC" in words(browser.get("/limits/"))
    html = browser.get("/data-health/").content.decode()
    assert re.search(r"Usage, minutes.{0,400}14:05 UTC", html, re.S)


def test_hours_that_nobody_has_read_are_told_apart_from_those_without_use(
    browser: Client, hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-11-20T20:30:00Z", monkeypatch)
    # 20 November from 15:00 to 20:00; of the week also the 14th to the 18th, which the test did not read.
    assert (len(lines(hot).unread_of_day), len(lines(hot).unread)) == (5, 5 * 24 + 5)
    said = words(browser.get(f"/limits/?line={text_of(first(hot).key)}"))
    assert "5 hours were not read: nothing is known of them" in said
    assert "125 hours were not read: nothing is known of them" in said
    html = browser.get(f"/limits/?line={text_of(first(hot).key)}").content.decode()
    assert html.count('class="hn" title="not read"') == 125


def test_a_minute_that_nobody_has_read_is_not_known(
    browser: Client, hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-11-20T20:30:00Z", monkeypatch)
    minute = f"/limits/minute/?line={text_of(first(hot).key)}&limiter={OUTPUT}&minute="
    for moment in ("2026-11-20T17:20:00Z", "2026-11-20T14:06:00Z", "2026-11-18T13:05:00Z"):
        said = words(browser.get(minute + moment))
        assert "output tokens: not known" in said, moment
        assert "This minute was not read yet, so nothing is known of it." in said, moment
        assert "0 %" not in said, moment
    gone = words(browser.get(f"{minute}2026-10-01T12:00:00Z"))
    assert "output tokens: not known" in gone
    assert "Minutes are kept for 35 days; those of this day are no longer kept." in gone
    read = words(browser.get(f"/limits/minute/?line=%7C%7Cnobody&limiter={OUTPUT}&minute=2026-11-20T14:01:00Z"))
    assert "output tokens: 0" in read
    assert "Nothing was used in this minute." in read


def test_a_minute_inside_a_read_hour_may_be_missing(browser: Client, hot: Organization) -> None:
    """A poll reads the last 20 minutes: what lies between two that were far apart is not known yet."""
    hour, place = clock.parse("2026-11-20T12:00:00Z"), 20
    row = Coverage.objects.get(source="minutes", start=hour)
    digests = bytes(row.digest)
    Coverage.objects.filter(source="minutes", start=hour).update(
        digest=digests[: place * 16] + bytes(16) + digests[(place + 1) * 16 :]
    )
    MinuteFact.objects.filter(minute=hour + place * clock.MINUTE).delete()
    minute = f"/limits/minute/?line={text_of(first(hot).key)}&limiter={OUTPUT}&minute=2026-11-20T12:"
    assert "This minute was not read yet" in words(browser.get(f"{minute}20:00Z"))
    assert "was not read" not in words(browser.get(f"{minute}21:00Z"))


def test_a_day_without_any_minutes_says_how_far_they_were_read(
    browser: Client, hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-11-22T12:30:00Z", monkeypatch)
    said = words(browser.get("/limits/"))
    assert "No usage by the minute of the last 24 hours was read; it was read to 20 Nov, 14:05 UTC." in said
    assert "Nothing was used" not in said


def test_there_is_no_utilisation_of_an_hour_that_nobody_has_read(
    hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(one.utilisation is not None for one in limit_measures())
    at("2026-11-20T14:55:00Z", monkeypatch)
    assert all(one.utilisation is not None for one in limit_measures())
    at("2026-11-20T20:30:00Z", monkeypatch)
    found = limit_measures()
    assert found
    assert all(one.utilisation is None for one in found)
    assert any(one.minutes_over_80 for one in found)


def test_the_last_hour_ends_where_minutes_do(
    browser: Client, hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = browser.get("/limits/").content.decode()
    assert drawn.count('class="spark"') > 3
    at("2026-11-20T15:10:00Z", monkeypatch)
    assert browser.get("/limits/").content.decode().count('class="spark"') == 0


def test_a_line_that_was_not_used_in_24_hours_can_still_be_opened(
    browser: Client, hot: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = first(hot).key
    LimitHour.objects.filter(group_id=key.group_id, hour__gte=clock.parse("2026-11-19T15:00:00Z")).delete()
    said = words(browser.get(f"/limits/?line={text_of(key)}"))
    assert "The line that is open is not in the list: it was not used in 24 hours" in said
    assert "Peak minute by hour" in said
