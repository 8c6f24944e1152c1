"""Data health in a real browser: the calendar by keyboard, a phone, and a page that follows the backfill by itself."""

import pytest

from costwatch.ingest.models import Coverage, Source
from tests.e2e.test_pages import Watched, browser, watched  # noqa: F401
from tests.web.conftest import ledger, moment  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def break_some() -> None:
    usage = Coverage.objects.filter(source="usage")
    usage.filter(start__gte=moment(13, hour=22), start__lt=moment(14, hour=3)).delete()
    usage.filter(start=moment(9)).update(state="inconsistent")
    usage.filter(start=moment(10)).update(state="revised")
    Source.objects.filter(name="cost").update(
        failures=3,
        last_error="the run: 500 api_error: " + "overloaded " * 30 + "(request req_011CQ8m2AbCdEfGhIjKlMnOp)",
    )


def test_the_calendar_says_the_focused_day_and_leads_to_its_row_of_text(watched: Watched) -> None:  # noqa: F811
    break_some()
    page = watched.open("/data-health/")
    day = page.locator(".cal td.inconsistent a")
    day.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    shown = day.evaluate("one => getComputedStyle(one, '::after').content")
    assert shown not in ("none", "normal")
    page.keyboard.press("Enter")
    row = page.locator("[id='day-2026-11-09']")
    row.wait_for(state="visible")
    assert " ".join(row.inner_text().split()) == "9 Nov 2026 Inconsistent Usage report: 1 hour inconsistent"
    assert watched.problems == []


@pytest.mark.parametrize("watched", [360, 768], indirect=True)
def test_a_narrow_page_of_problems_never_scrolls_sideways(watched: Watched) -> None:  # noqa: F811
    break_some()
    page = watched.open("/data-health/")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.locator("#problems tbody tr").count() == 3
    newest = page.locator(".cal td").last.bounding_box()
    assert newest is not None
    assert 0 < newest["x"] < page.viewport_size["width"]  # type: ignore[index]


def test_the_page_follows_the_backfill_to_its_end_by_itself(watched: Watched) -> None:  # noqa: F811
    older = list(Coverage.objects.filter(source="usage", start__lt=moment(1)))
    Coverage.objects.filter(pk__in=[one.pk for one in older]).delete()
    page = watched.open("/data-health/")
    assert "history 69 % read" in page.locator("h1").inner_text()
    Coverage.objects.bulk_create(older)
    page.locator("#backfill[hidden]").wait_for(state="attached")
    page.get_by_role("heading", name="Complete to 14:05 UTC; 0 gaps in 51 days.").wait_for()
    assert page.locator("#pill summary").get_attribute("aria-label") == "Data through 14:05 UTC"
    assert watched.problems == []
