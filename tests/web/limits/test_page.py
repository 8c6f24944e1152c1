"""The Limits page over an organization that runs hot: what is on it equals a scan of the minutes."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client

from costwatch.directory.models import Organization, Workspace
from costwatch.insights.limits.lines import lines
from costwatch.web.limits.asked import text_of
from tests.hot import hot, hot_days
from tests.web.limits.conftest import rows, words

__all__ = ["hot", "hot_days"]
OPUS_OUT = "output_tokens_per_minute"


def get(browser: Client, path: str) -> Any:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return answer


def test_the_verdict_counts_the_states_and_names_the_first(browser: Client, hot: Organization) -> None:
    found = lines(hot)
    counts = found.counts()
    first = found.lines[0]
    said = words(get(browser, "/limits/"))
    assert f"{counts['at_limit']} at limit, {counts['tight']} tight, {counts['fine']} fine" in said
    assert first.group in said
    assert f"{first.binding.minutes_over_80} minutes above 80 % in 24 hours" in said
    assert "What cannot be seen: requests refused by Anthropic" in said


def test_a_row_for_every_line_those_far_from_limits_folded(browser: Client, hot: Organization) -> None:
    answer, found = get(browser, "/limits/?fold=all"), lines(hot)
    listed = rows(answer, "Limits by group and workspace, those that hurt next first")
    assert len(listed) == len(found.shown)
    for text, line in zip(listed, found.shown, strict=True):
        assert line.group in text
        assert f"{(line.binding.share or 0) // 100} %" in text
        assert f"{line.binding.minutes_over_80} min" in text
    folded = rows(answer, "Lines far from every limit")
    assert len(folded) == len(found.folded)
    for text, line in zip(folded, found.folded, strict=True):
        assert line.group in text
    tight = rows(get(browser, "/limits/?view=tight"), "Limits by group and workspace, those that hurt next first")
    assert len(tight) == found.counts()["at_limit"] + found.counts()["tight"]


def test_the_fold_is_a_link_that_keeps_the_rest_of_the_address_and_closes_again(
    browser: Client, hot: Organization
) -> None:
    line = text_of(next(one for one in lines(hot).shown if one.key.workspace_key).key)
    closed = get(browser, f"/limits/?range=last-7-days&line={line}")
    assert "Lines far from every limit" not in closed.content.decode()
    path, expanded = _fold(closed)
    assert expanded == "false"
    opened = get(browser, f"/limits/{path}")
    assert rows(opened, "Lines far from every limit")
    assert "By limiter, last 24 hours" in opened.content.decode()
    # Whatever is opened or chosen next, the lines stay.
    assert 'href="?range=last-7-days&amp;view=tight&amp;fold=all"' in opened.content.decode()
    path, expanded = _fold(opened)
    assert expanded == "true"
    assert parse_qs(path.removeprefix("?").removesuffix("#fold")) == {"range": ["last-7-days"], "line": [line]}


def _fold(answer: Any) -> tuple[str, str]:
    """Where the link over the folded lines leads, and whether they are shown."""
    found = re.search(
        r'<div class="fold" id="fold"><a href="([^"]+)" aria-expanded="([^"]+)">', answer.content.decode()
    )
    assert found
    return unescape(found[1]), found[2]


def test_an_open_line_shows_bars_the_map_and_the_worst_minutes(browser: Client, hot: Organization) -> None:
    line = next(one for one in lines(hot).shown if one.key.workspace_key and not one.key.pool)
    answer = get(browser, f"/limits/?line={text_of(line.key)}")
    html = answer.content.decode()
    bars = rows(answer, "By limiter, last 24 hours")
    assert len(bars) == 4
    assert "Organization, all workspaces" in bars[-1]
    assert len(re.findall(r'<svg class="bullet"', html)) == 4
    assert len(rows(answer, "Peak minute by hour and day, per cent of the limit")) == 7
    assert "Longest above 80 %" in words(answer)
    assert html.count('hx-target="#minute"') >= 24


def test_a_minute_shows_who_used_it_as_a_page_and_as_a_part(browser: Client, hot: Organization) -> None:
    line = next(one for one in lines(hot).shown if not one.key.workspace_key and not one.key.pool)
    html = get(browser, f"/limits/?line={text_of(line.key)}").content.decode()
    path = re.search(r'<ol class="flat worst"><li><a href="([^"]+)"', html)
    assert path
    address = path[1].replace("&amp;", "&")
    whole = get(browser, address)
    told = rows(whole, "Who used this minute")
    assert len(told) > 2
    shares = [float(share) for share in re.findall(r"([0-9.]+) %", " ".join(told))]
    assert sum(shares) == pytest.approx(100, abs=1)
    part = browser.get(address, headers={"HX-Request": "true", "HX-Target": "minute"})
    assert part.content.decode().lstrip().startswith('<div id="minute"')
    assert rows(part, "Who used this minute") == told


def test_limits_as_configured_show_what_is_inherited_capped_and_not_limitable(browser: Client) -> None:
    answer = get(browser, "/limits/?view=configured")
    said = words(answer)
    # 5/8 of the 2,500,000 of the organization, which the workspace's own 3,500,000 exceeds.
    assert "2,187,500 capped at the organization's 1,562,500" in said
    assert "The default workspace cannot be limited" in said
    assert "Used in 24 hours and in no group: claude-lynx-1-preview" in said
    for name in ("Batches", "Files", "Token counting", "Web search", "Skills", "live_stream"):
        assert name in said


def test_one_workspace_stands_beside_the_pools_it_draws_from(browser: Client, hot: Organization) -> None:
    key = Workspace.objects.get(name="search-prod").key
    listed = rows(
        get(browser, f"/limits/?workspace={key}"), "Limits by group and workspace, those that hurt next first"
    )
    assert listed
    assert all("search-prod" in text or "Organization" in text for text in listed)
    page = get(browser, f"/workspaces/{key}/")
    assert rows(page, "Limits of this workspace")


def test_the_csv_is_the_report(browser: Client) -> None:
    lines_of = get(browser, "/downloads/limits.csv").content.decode().splitlines()
    assert lines_of[0].startswith(
        "period,partial,organization_id,group,group_id,workspace_id,workspace_name,limiter,limit"
    )
    assert len(lines_of) > 60


@pytest.mark.parametrize(
    "query",
    [
        "view=other",
        "line=x",
        "line=%7C%7C",
        "line=fast%7Cw%7C",
        "line=slow%7C%7Cg",
        "limiter=requests_per_minute",
        "fold=some",
        "minute=yesterday",
        "minute=2026-11-20T14:05:00",
        "workspace=%00",
        "line=%7C%7Cg%00",
    ],
)
def test_what_the_address_says_wrong_is_a_sentence(browser: Client, query: str) -> None:
    answer = browser.get(f"/limits/?{query}")
    assert answer.status_code == 400
    assert "Traceback" not in answer.content.decode()


def test_a_line_or_minute_that_is_not_there_is_not_found(browser: Client) -> None:
    for path in (
        "/limits/?line=%7C%7Crlg_none",
        "/limits/minute/",
        "/limits/minute/?line=%7C%7Crlg_none&minute=2026-11-20T14:05:00Z",
    ):
        assert browser.get(path).status_code == 404, path
    empty = get(browser, f"/limits/minute/?line=%7C%7Crlg_none&minute=2026-01-01T00:00:00Z&limiter={OPUS_OUT}")
    assert "no longer kept" in words(empty)


def test_the_metrics_have_utilisation_for_rules(browser: Client, hot: Organization, settings: Any) -> None:
    settings.METRICS_TOKEN = "secret-of-metrics"
    text = browser.get("/metrics", headers={"Authorization": "Bearer secret-of-metrics"}).content.decode()
    limited = [one for line in lines(hot).lines for one in line.against if one.limit]
    assert text.count("costwatch_limit_utilisation_ratio{") == len(limited)
    over = sum(int(value) for value in re.findall(r"costwatch_limit_minutes_over_80\{[^}]*\} ([0-9]+)", text))
    assert over == sum(one.minutes_over_80 for one in limited) > 0
