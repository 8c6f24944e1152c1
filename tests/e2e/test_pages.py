"""Pages in a real browser: nothing inline, nothing from elsewhere, names inert, keyboard, theme, narrow."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from costwatch import clock
from costwatch.directory.models import Organization
from costwatch.ingest.models import Coverage
from tests.two_minutes import GROUP, make_two_minutes
from tests.web.conftest import HOSTILE, ledger  # noqa: F401

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SPY = """
document.addEventListener('securitypolicyviolation', event => console.error('policy: ' + event.violatedDirective));
window.alert = text => console.error('alert: ' + text);
"""
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@dataclass(slots=True)
class Watched:
    """A page with everything it must not do: errors, requests to other origins."""

    page: Page
    at: str
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.at + path)
        self.page.wait_for_load_state("networkidle")
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"])
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=[1440])
def watched(request: Any, browser: Browser, live_server: Any, ledger: Organization) -> Iterator[Watched]:  # noqa: F811
    client = Client()
    client.force_login(User.objects.create_user("finance"))
    context = browser.new_context(viewport={"width": request.param, "height": 900}, color_scheme="light")
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    made = Watched(page, live_server.url)
    page.add_init_script(SPY)
    page.on("console", lambda one: made.problems.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: made.problems.append(str(error)))
    page.on(
        "request",
        lambda one: (
            None
            if one.url.startswith((live_server.url, "data:", "blob:"))
            else made.problems.append(f"request to {one.url}")
        ),
    )
    yield made
    context.close()


@pytest.mark.parametrize(
    "path", ["/", "/?breakdown=token_type", "/workspaces/", "/workspaces/wrkspc_2/", "/data-health/", "/set-up/"]
)
def test_prv_03_pages_break_no_policy_and_ask_no_other_site(watched: Watched, path: str) -> None:
    watched.open(path)
    assert watched.problems == []


@pytest.mark.parametrize("watched", [800, 1280, 1440, 1920], indirect=True)
def test_a_minute_that_opens_in_its_line_fits_and_moves_nothing_sideways(watched: Watched) -> None:
    pool = Organization.objects.create(external_id="org-pool", name="Pool", created_at=clock.now())
    make_two_minutes(pool)
    page = watched.open(f"/limits/?organization=org-pool&line=%7C%7C{GROUP}")
    page.locator(".heat td a").last.click()
    table = page.locator("#minute table")
    table.wait_for()
    expect(table.locator("tbody tr")).to_have_count(3)
    inside, around = (page.locator(selector).bounding_box() for selector in ("#minute table", "#minute .scroll"))
    assert inside is not None
    assert around is not None
    assert inside["width"] <= around["width"]
    page.wait_for_function("document.querySelector('.scroll').scrollLeft === 0")
    assert watched.problems == []


def test_plotly_takes_over_and_its_tip_shows_names_as_text(watched: Watched) -> None:
    page = watched.open("/")
    page.locator(".plot.is-live").wait_for()
    box = page.locator(".plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 44 + (box["width"] - 48) / 60, box["y"] + 120)
    tip = page.locator("[data-tip]")
    tip.wait_for()
    assert HOSTILE in tip.inner_text()
    assert "$1,200" in tip.inner_text()
    assert watched.problems == []


def test_a_click_on_a_bar_leads_to_its_workspace(watched: Watched) -> None:
    page = watched.open("/")
    page.locator(".plot.is-live").wait_for()
    box = page.locator(".plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 44 + (box["width"] - 48) / 60, box["y"] + 225)
    page.wait_for_timeout(150)
    page.mouse.click(box["x"] + 44 + (box["width"] - 48) / 60, box["y"] + 225)
    page.wait_for_url("**/workspaces/wrkspc_1/**")


def test_the_switch_of_the_chart_swaps_one_panel_and_keeps_the_address(watched: Watched) -> None:
    page = watched.open("/")
    page.get_by_role("link", name="Token kind").click()
    page.wait_for_url("**breakdown=token_type**")
    page.locator("#spend >> text=Output").first.wait_for()
    page.locator(".plot.is-live").wait_for()
    assert watched.problems == []


def test_a_theme_is_chosen_and_remembered_without_a_flash(watched: Watched) -> None:
    page = watched.open("/")
    page.locator("[data-theme-switch]").click()
    page.locator("[data-theme-switch]").click()
    page.reload(wait_until="commit")
    page.locator("body").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(15, 17, 20)"


def test_the_keyboard_reaches_content_and_search(watched: Watched) -> None:
    page = watched.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.locator("#found a").first.wait_for()
    page.keyboard.type("search-p")
    expect(page.locator("#found a")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/workspaces/wrkspc_1/**")
    assert watched.problems == []


def bar_of_the_first_day(page: Page) -> tuple[float, float]:
    page.locator(".plot.is-live").wait_for()
    box = page.locator(".plot").bounding_box()
    assert box is not None
    return box["x"] + 44 + (box["width"] - 48) / 60, box["y"] + 225


def test_a_double_click_resets_the_zoom_and_leads_nowhere(watched: Watched) -> None:
    page = watched.open("/")
    x, y = bar_of_the_first_day(page)
    full = page.evaluate("document.querySelector('[data-live]').layout.xaxis.range.slice()")
    page.mouse.move(x - 10, y)
    page.mouse.down()
    page.mouse.move(x + 200, y, steps=8)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert page.evaluate("document.querySelector('[data-live]').layout.xaxis.range.slice()") != full
    page.mouse.move(x + 40, y)
    page.wait_for_timeout(150)
    page.mouse.dblclick(x + 40, y)
    page.wait_for_timeout(900)
    assert page.url == watched.at + "/"
    assert page.evaluate("document.querySelector('[data-live]').layout.xaxis.range.slice()") == full
    assert watched.problems == []


def test_a_hidden_series_stays_hidden_while_one_searches(watched: Watched) -> None:
    page = watched.open("/")
    page.locator(".plot.is-live").wait_for()
    page.locator("[data-toggle]").first.click()
    hidden = "document.querySelector('[data-live]').data.filter(one => one.visible === false).length"
    assert page.evaluate(hidden) > 0
    page.keyboard.press("/")
    page.locator("#found a").first.wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate(hidden) > 0
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Model", exact=True).click()
    page.wait_for_url("**breakdown=model**")
    page.locator(".plot.is-live").wait_for()
    assert page.evaluate(hidden) == 0


@pytest.mark.parametrize("path", ["/", "/workspaces/wrkspc_2/"])
def test_the_picture_of_a_chart_is_made_without_breaking_the_policy(watched: Watched, path: str) -> None:
    page = watched.open(path)
    page.locator(".plot.is-live").wait_for()
    page.locator("#spend summary[aria-label=Download]").click()
    with page.expect_download() as begun:
        page.locator("[data-png]").click()
    content = begun.value.path().read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 20_000
    assert watched.problems == []


def test_the_first_page_turns_into_the_overview_by_itself(
    browser: Browser,
    live_server: Any,
    db: None,
    now: object,
) -> None:
    client = Client()
    client.force_login(User.objects.create_user("finance"))
    context = browser.new_context()
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + "/")
    page.get_by_role("heading", name="Nothing is read yet.").wait_for()
    Organization.objects.create(external_id="org-1", name="Example Inc", created_at=clock.now())
    page.locator("#reading").wait_for()
    context.close()


def test_an_early_overview_shows_its_content_once_more_when_the_first_figures_are_there(watched: Watched) -> None:
    kept = list(Coverage.objects.all())
    Coverage.objects.all().delete()
    page = watched.open("/")
    page.locator("#reading").wait_for()
    page.evaluate("document.querySelector('h1').id = 'early'")
    Coverage.objects.bulk_create(one for one in kept if one.source == "cost")
    page.locator("#early").wait_for(state="detached")
    page.locator("#reading").wait_for()
    page.locator(".plot.is-live").wait_for()
    assert watched.problems == []


@pytest.mark.parametrize("watched", [360], indirect=True)
@pytest.mark.parametrize("path", ["/", "/workspaces/", "/workspaces/wrkspc_1/"])
def test_a_phone_reaches_every_table_as_csv(watched: Watched, path: str) -> None:
    page = watched.open(path)
    links = page.locator(".sec a[href*='.csv']:not(.popover a)")
    assert links.count() >= 1
    for index in range(links.count()):
        assert links.nth(index).is_visible()


def test_the_pill_stays_one_line_while_the_history_is_read(watched: Watched) -> None:
    Coverage.objects.filter(source="usage", start__lt="2026-11-10T00:00Z").delete()
    page = watched.open("/set-up/")
    pill = page.locator("#pill summary.reading")
    pill.wait_for()
    assert pill.evaluate("one => getComputedStyle(one).display") in ("inline-flex", "flex")
    assert pill.evaluate("one => one.scrollHeight <= one.clientHeight + 1")


@pytest.mark.parametrize("watched", [360, 768, 1024], indirect=True)
@pytest.mark.parametrize("path", ["/", "/workspaces/wrkspc_1/", "/workspaces/wrkspc_2/", "/set-up/", "/workspaces/"])
def test_narrow_pages_never_scroll_sideways(watched: Watched, path: str) -> None:
    page = watched.open(path)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_the_page_works_without_scripts(browser: Browser, watched: Watched) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=watched.page.context.storage_state())
    page = context.new_page()
    page.goto(watched.at + "/")
    assert page.locator("svg.chart").is_visible()
    page.locator("details.ctl summary").first.click()
    page.get_by_role("link", name="Last month").click()
    assert "October" in page.locator("h1").inner_text()
    context.close()
