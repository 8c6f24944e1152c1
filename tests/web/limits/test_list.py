"""What the list of lines says beside them: refusals that no line counts, and which hours it is about."""

import re
from datetime import datetime, timedelta
from html import unescape

from django.test import Client

from costwatch.directory.kinds import SEPARATOR
from costwatch.directory.models import DirectoryChange, Organization, RateLimit, RateLimitGroup, Reading
from costwatch.insights.limits.lines import lines
from costwatch.ledger.observations import Response, record_responses
from costwatch.upstream.limit_headers import Said
from costwatch.web.limits.asked import text_of
from tests.two_minutes import FIRST, GROUP, INPUT, counts, dims, record
from tests.web.limits.conftest import line, words


def tell(organization: Organization, now: datetime, status: int, minutes: int, **more: str) -> None:
    """An application says what it was answered some minutes ago."""
    one = Response(organization.pk, now - timedelta(minutes=minutes), status, Said({}), **more)
    record_responses(responses=[one], now=now)


def group(organization: Organization, name: str, model: str) -> None:
    """A group of one model, with a limit."""
    seen = {"organization": organization, "first_seen_at": FIRST, "last_seen_at": FIRST}
    RateLimitGroup.objects.create(**seen, external_id=name, kind="model_group", name=name, model_names=[model])
    RateLimit.objects.create(**seen, group=name, limiter=INPUT, value=1000, source="organization")


def test_refusals_told_without_a_model_are_on_no_line_and_said_above_the_list(
    page: Client, small: Organization, now: datetime
) -> None:
    tell(small, now, 429, 3, model="claude-opus-5-5")
    tell(small, now, 200, 2)
    assert "without a model" not in words(page.get("/limits/"))
    tell(small, now, 429, 65)
    assert "1 refusal (429) of 7 days was reported without a model, at 13:00 UTC, so no line counts it." in words(
        page.get("/limits/")
    )
    tell(small, now, 429, 4, workspace_key="wrkspc_1")
    said = "2 refusals (429) of 7 days were reported without a model, the newest at 14:01 UTC, so no line counts them."
    assert said in words(page.get("/limits/"))
    assert "without a model" not in words(page.get("/limits/?workspace=wrkspc_2"))
    assert "1 refusal (429)" in words(page.get("/limits/?workspace=wrkspc_1"))


def test_refusals_of_a_model_whose_group_has_no_line_are_said_above_the_list(
    page: Client, small: Organization, now: datetime
) -> None:
    for model in ("claude-haiku-4-5", "claude-opus-5-5"):
        tell(small, now, 429, 3, model=model)
    said = words(page.get("/limits/"))
    assert "1 refusal (429) of 7 days was reported for claude-haiku-4-5, at 14:02 UTC: its group was not used" in said
    assert "reported for claude-opus-5-5" not in said


def test_names_with_a_date_are_observed_on_the_line_of_their_assumed_class(
    page: Client, small: Organization, now: datetime
) -> None:
    Reading.objects.filter(kind="rate_limit").delete()
    small.assumed_tier = "scale"
    small.save()
    record(small, {FIRST: {dims("wrkspc_1", "key-1", "claude-sonnet-4-5"): counts(600, 100)}})
    for model in ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"):
        tell(small, now, 429, 3, model=model)
    key = next(one.key for one in lines(small).lines if one.key.group_id.startswith("assumed/") and one.key.pool == "")
    said = words(page.get(f"/limits/?line={text_of(key)}"))
    assert "2 responses told in 7 days, 2 refused (429)" in said


def test_what_one_workspace_does_not_use_is_not_said_to_be_unused(page: Client, small: Organization) -> None:
    group(small, "Idle 1.x", "claude-idle-1")
    group(small, "Own 1.x", "claude-own-1")
    record(small, {FIRST: {dims("wrkspc_2", "key-2", "claude-own-1"): counts(5)}})
    for path in ("/limits/", "/limits/?workspace=wrkspc_1"):
        assert "Not used in 24 hours: Idle 1.x ." in words(page.get(path)), path
    configured = words(page.get("/limits/?view=configured&workspace=wrkspc_1"))
    assert configured.count("not used in 24 hours") == 1


def change_limit(organization: Organization, value: int, seen_at: datetime) -> None:
    """The limit of 1,000 was seen to be another one."""
    RateLimit.objects.filter(limiter=INPUT, workspace_key="").update(value=value)
    DirectoryChange.objects.create(
        organization=organization,
        kind="rate_limit",
        external_id=SEPARATOR.join(("", GROUP, INPUT)),
        what="changed",
        fields={"value": [1000, value]},
        seen_at=seen_at,
    )


def test_a_minute_says_which_limit_it_is_held_against(page: Client, small: Organization, now: datetime) -> None:
    minute = f"/limits/minute/?{line()}&limiter={INPUT}&minute=2026-11-20T14:00:00Z"
    assert "input tokens: 900 of 1,000, 90 %" in words(page.get(minute))
    assert "in force then" not in words(page.get(minute))
    change_limit(small, 1800, now + timedelta(minutes=1))
    assert "900 of 1,000, 90 % (in force then; now 1,800)" in words(page.get(minute))


def test_a_minute_is_held_against_what_was_known_at_its_time(page: Client, small: Organization, now: datetime) -> None:
    """The limit was seen to be lower four minutes later, within the same hour."""
    change_limit(small, 450, FIRST + timedelta(minutes=4))
    minute = f"/limits/minute/?{line()}&limiter={INPUT}&minute=2026-11-20T14:00:00Z"
    assert "900 of 1,000, 90 % (in force then; now 450)" in words(page.get(minute))


def test_a_minute_of_batches_is_held_against_no_limit(page: Client, small: Organization) -> None:
    record(small, {FIRST: {dims("wrkspc_2", "key-2", tier="batch"): counts(700)}})
    minute = f"/limits/minute/?{line(pool='batch')}&minute=2026-11-20T14:00:00Z&limiter="
    said = words(page.get(f"{minute}input_tokens_per_minute"))
    assert "input tokens: 700" in said
    assert " %" not in said.partition("Key Workspace")[0]
    # What a pool is not held against is no question.
    for limiter in (INPUT, "tokens_per_minute", "fast_otpm"):
        assert page.get(minute + limiter).status_code == 404


def test_what_is_not_there_is_not_found(page: Client) -> None:
    for path in (
        "/limits/?workspace=nope",
        f"/limits/minute/?{line('nope')}&limiter={INPUT}&minute=2026-11-20T14:00:00Z",
        f"/limits/minute/?{line()}&limiter={INPUT}&minute=2026-11-20T14:30:00Z",
        "/downloads/limits.csv?workspace=nope",
    ):
        assert page.get(path).status_code == 404, path


def test_work_it_out_asks_about_the_limiter_that_is_shown(page: Client) -> None:
    html = page.get(f"/limits/?{line()}&limiter=tokens_per_minute").content.decode()
    (path,) = set(re.findall(r'href="(/limits/help/[^"#]*)', html))
    assert "tokens_per_minute&" not in unescape(path) + "&" or "input_tokens_per_minute" in path
    assert page.get(unescape(path)).status_code == 200


def test_days_of_another_year_are_said_with_it(page: Client) -> None:
    said = words(page.get(f"/limits/minute/?{line()}&limiter={INPUT}&minute=2025-11-20T14:00:00Z"))
    assert "20 Nov 2025, 14:00 UTC" in said


def test_the_24_hours_are_the_hour_under_way_and_those_before(page: Client) -> None:
    answer = page.get("/limits/")
    assert "24 h are the hour under way and the 23 before it." in words(answer)
    assert 'title="the hour under way and the 23 before it">Over 80 %, 24 h</th>' in answer.content.decode()
