"""The twin as a page: changes in the address, what they come to, the smallest set, and what cannot be tried."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from costwatch.directory.models import Organization, Reading
from tests.two_minutes import FIRST, INPUT, counts, dims, limit, record
from tests.web.limits.conftest import line, rows, words

TWIN, CAPTION = "/limits/twin/", "Each line before the changes and after them"


def tried(*changes: tuple[str, str], workspace: str = "") -> str:
    given = [pair for target, amount in changes for pair in (("change", target), ("amount", amount))]
    return f"{TWIN}?{line(workspace)}&{urlencode(given)}"


def test_without_changes_every_line_is_shown_as_it_was(page: Client) -> None:
    response = page.get(f"{TWIN}?{line()}")
    said = words(response)
    assert said.startswith(
        "What if: Claude Opus 5.x, Organization 2 minutes in which the pool was used since 19 Nov, 15:00 UTC"
    )
    assert rows(response, CAPTION) == [
        "Organization Input tokens 1 min 0 min 0 min 900 90 % 1,000 –",
        "Organization Output tokens 0 min 0 min 0 min 150 30 % 500 –",
    ]
    # Whether anything was refused is in no report, so it is not said that something was.
    assert (
        "A lower bound: what was refused and bursts inside a minute are in no report, so there may have been more "
        "demand than this." in said
    )
    assert "counted as refused, not moved to later minutes" in said


def test_a_limit_holds_back_and_is_counted_as_refused(page: Client) -> None:
    response = page.get(tried((f"limit|wrkspc_1|{INPUT}", "500")))
    assert "search-prod: at most 500 input tokens a minute" in words(response)
    assert rows(response, CAPTION)[:2] == [
        "Organization Input tokens 1 → 0 min 0 min 0 min 900 → 800 90 % → 80 % 1,000 100 in 1 minute",
        # It is full of its own limit: 500 at 14:00, and 400 is no more than 80 %.
        "search-prod Input tokens 0 → 1 min 0 → 1 min 0 min 600 → 500 60 % → 100 % 1,000 → 500 100 in 1 minute",
    ]


def test_batches_and_caching_take_shares_off_every_minute(page: Client) -> None:
    batched = page.get(tried(("batch|wrkspc_1|key-1", "50")))
    assert rows(batched, CAPTION)[0] == "Organization Input tokens 1 → 0 min 0 min 0 min 900 → 600 90 % → 60 % 1,000 –"
    assert "search-prod · search-main: 50 % as batches" in words(batched)
    cached = page.get(tried(("cache|wrkspc_1", "90"), ("batch|wrkspc_2", "100")))
    # 60 of 600 are left uncached, nothing of the 100, and the Console's 200.
    assert rows(cached, CAPTION)[0] == "Organization Input tokens 1 → 0 min 0 min 0 min 900 → 260 90 % → 26 % 1,000 –"
    assert "search-prod · all keys: 90 % of uncached input read from the cache" in words(cached)
    of_model = page.get(tried(("cache|wrkspc_1|key-1|claude-opus-5-5", "10")))
    assert "search-prod · search-main · Opus 5.5: 10 % of uncached input read from the cache" in words(of_model)


def test_the_form_keeps_what_was_asked_and_links_keep_their_state(page: Client) -> None:
    html = page.get(tried((f"limit|wrkspc_1|{INPUT}", "500")) + "&organization=org-1").content.decode()
    assert f'<option value="limit|wrkspc_1|{INPUT}" selected>search-prod: input tokens a minute, now 1,000' in html
    assert 'name="amount" inputmode="numeric" autocomplete="off" value="500"' in html
    assert '<input type="hidden" name="organization" value="org-1">' in html
    assert 'action="/limits/prepare/?organization=org-1"' in html
    # The default workspace cannot be limited, so it is not offered.
    assert f"limit|default|{INPUT}" not in html
    assert '<option value="batch|wrkspc_2">batch-jobs · all keys: % as batches' in html


def test_what_people_do_in_the_console_is_not_offered_and_stays_where_it_is(page: Client, small: Organization) -> None:
    html = page.get(f"{TWIN}?{line()}").content.decode()
    assert '<option value="batch|default' not in html
    assert '<option value="cache|default' not in html
    stays = "Use without an API key stays as it is: what people do in the Console can be neither sent as batches nor"
    assert f"{stays} cached by anybody's code. Nothing can be moved of Default." in words(page.get(f"{TWIN}?{line()}"))
    # With 300 by a key beside the Console's 200, half of Default is half of the key.
    record(small, {FIRST: {dims("default", "console"): counts(200), dims("default", "key-3"): counts(300)}})
    response = page.get(tried(("batch|default", "50"), workspace="default"))
    assert rows(response, CAPTION)[1] == "Default Input tokens 0 min 0 min 0 min 500 → 350 50 % → 35 % 1,000 –"
    assert '<option value="batch|default" selected>Default · all keys: % as batches' in response.content.decode()
    assert f"{stays} cached by anybody's code." in words(response)
    assert "Nothing can be moved of" not in words(response)
    record(small, {FIRST: {dims("default", "key-3"): counts(300)}})
    assert "Use without an API key" not in words(page.get(f"{TWIN}?{line()}"))


def test_workspaces_of_which_nothing_can_be_moved_are_named_up_to_three(page: Client, small: Organization) -> None:
    record(small, {FIRST: {dims(f"wrkspc_{number}", "console"): counts(9) for number in (4, 5, 6, 7, 8)}})
    said = words(page.get(f"{TWIN}?{line()}"))
    assert "Nothing can be moved of wrkspc_4, wrkspc_5, wrkspc_6 and 2 more." in said


def test_the_smallest_set_fills_the_form(page: Client) -> None:
    response = page.get(f"{TWIN}?{line('wrkspc_2')}&smallest=1")
    assert (
        "The smallest set that keeps batch-jobs under 80 % is 1 change, as weak as it can be. Without it the fullest "
        "minute of its limits and the organization's is at 90 %." in words(response)
    )
    # 900 must become 800: a limit of 500 takes 100 out of the pool, 17 % in batches 102 and 68 more at 14:01.
    assert f'<option value="limit|wrkspc_1|{INPUT}" selected>' in response.content.decode()
    assert "search-prod: at most 500 input tokens a minute Prepare this limit" in words(response)


def test_of_the_whole_organization_the_fullest_minute_is_said_once(page: Client, small: Organization) -> None:
    said = words(page.get(f"{TWIN}?{line()}&smallest=1"))
    assert (
        "The smallest set that keeps the organization under 80 % is 1 change, as weak as it can be. Without it the "
        "fullest minute is at 90 %." in said
    )
    record(small, {FIRST: {dims("wrkspc_1", "key-1"): counts(770)}})
    said = words(page.get(f"{TWIN}?{line()}&smallest=1"))
    assert "Nothing is needed: the fullest minute of the organization is at 77 %." in said


def test_where_nothing_is_needed_or_nothing_suffices_it_says_so(page: Client, small: Organization) -> None:
    record(small, {FIRST: {dims("default", "console"): counts(300)}})
    said = words(page.get(f"{TWIN}?{line('default')}&smallest=1"))
    assert "Nothing is needed: the fullest minute of Default and of the organization is at 40 %." in said
    record(small, {FIRST: {dims("default", "console"): counts(900), dims("wrkspc_1", "key-1"): counts(10)}})
    said = words(page.get(f"{TWIN}?{line('default')}&smallest=1"))
    assert "Nothing that was tried suffices to keep Default under 80 %" in said
    assert "is still at 90 %. Without any it is at 91 %." in said
    # 905 of 1,000 are 90.5 %: the sentence rounds down, as the table does.
    record(small, {FIRST: {dims("default", "console"): counts(905)}})
    response = page.get(f"{TWIN}?{line('default')}&smallest=1")
    assert "Nothing that can be changed here helps Default: its fullest minute is at 90 %." in words(response)
    assert rows(response, CAPTION)[0].startswith("Organization Input tokens 1 min 0 min 0 min 905 90 %")
    record(small, {FIRST: {dims("default", "console"): counts(900)}})
    said = words(page.get(f"{TWIN}?{line('default')}&smallest=1"))
    assert "Nothing that can be changed here helps Default: its fullest minute is at 90 %." in said


@pytest.mark.parametrize(
    ("target", "amount", "said"),
    [
        (f"limit|default|{INPUT}", "5", "Only a workspace other than the default one can have a limit of its own."),
        (f"limit|wrkspc_1|{INPUT}", "-1", "-1 is below 0."),
        (f"limit|wrkspc_1|{INPUT}", "many", "“many” is not a whole number."),
        (f"limit|wrkspc_1|{INPUT}", "9" * 5000, "is not a whole number."),
        ("limit|wrkspc_1|fast_otpm", "5", "The minutes of this pool are not held against “fast_otpm”."),
        ("limit|wrkspc_1|none", "5", "No limiter is called none."),
        (
            "limit|wrkspc_1|requests_per_minute",
            "5",
            "Requests are in no report by the minute, so a limit of them cannot be replayed.",
        ),
        ("limit||", "5", "“limit||” leaves out a name: a limit has a workspace and a limiter, a share a workspace"),
        (f"limit||{INPUT}", "5", f"“limit||{INPUT}” leaves out a name"),
        ("limit|wrkspc_1|", "5", "“limit|wrkspc_1|” leaves out a name"),
        ("batch|", "5", "“batch|” leaves out a name"),
        ("cache|wrkspc_1|", "5", "“cache|wrkspc_1|” leaves out a name"),
        ("batch|wrkspc_1", "101", "101 is not between 0 and 100 per cent."),
        ("cache|wrkspc_1|key-9", "5", "In these hours nothing was used by search-prod · key-9."),
        ("batch|default|nokey", "5", "In these hours nothing was used by Default · nokey."),
        (
            "cache|wrkspc_1|key-1|claude-9",
            "5",
            "In these hours nothing was used by search-prod · search-main",
        ),
        ("batch|default", "50", "Nothing can be moved of Default · all keys: all of it was used without an API key"),
        ("cache|default|console", "50", "Nothing can be moved of Default · No API key: all of it was used without"),
        ("batch|wrkspc_1\0", "5", "In these hours nothing was used by wrkspc_1\\u0000 · all keys."),
    ],
)
def test_a_change_that_cannot_be_tried_is_a_sentence_and_nothing_typed_is_lost(
    page: Client, target: str, amount: str, said: str
) -> None:
    response = page.get(tried((target, amount)))
    assert response.status_code == 200
    assert said in words(response)
    assert f'value="{amount}"' in response.content.decode()
    assert rows(response, CAPTION)[0] == "Organization Input tokens 1 min 0 min 0 min 900 90 % 1,000 –"


@pytest.mark.parametrize(
    "state",
    [
        "change=batch%7Cwrkspc_1",
        "change=x&amount=1",
        "change=batch&amount=1",
        "&".join(["change=batch%7Ca&amount=1"] * 11),
    ],
)
def test_what_no_form_writes_is_a_bad_question(page: Client, state: str) -> None:
    assert page.get(f"{TWIN}?{line()}&{state}").status_code == 400


def test_rows_left_empty_change_nothing(page: Client) -> None:
    response = page.get(f"{TWIN}?{line()}&change=&amount=&change=&amount=7")
    assert rows(response, CAPTION)[0] == "Organization Input tokens 1 min 0 min 0 min 900 90 % 1,000 –"


def test_a_value_above_the_organizations_changes_nothing_and_an_own_limit_can_be_raised(
    page: Client, small: Organization
) -> None:
    limit(small, INPUT, 700, "wrkspc_1")
    row = rows(page.get(tried((f"limit|wrkspc_1|{INPUT}", "5000"), workspace="wrkspc_1")), CAPTION)[1]
    assert row == "search-prod Input tokens 1 → 0 min 0 min 0 min 600 85 % → 60 % 700 → 1,000 –"


def test_a_pool_without_limits_or_use_says_so(page: Client, small: Organization) -> None:
    record(small, {FIRST: {dims("wrkspc_1", "key-1", tier="batch"): counts(50)}})
    response = page.get(f"{TWIN}?{line(pool='batch')}")
    assert "No limit by the minute is known for this pool" in words(response)
    html = response.content.decode()
    assert "Share sent as batches" not in html
    assert 'name="smallest"' not in html
    assert "nothing to replay" in words(page.get(f"{TWIN}?{line(group='rlg_none')}&smallest=1"))
    assert page.get(TWIN).status_code == 404


def test_a_workspace_that_is_not_there_has_no_twin(page: Client) -> None:
    for address in (f"{TWIN}?{line('nope')}", f"{TWIN}?{line()}&workspace=nope", "/limits/?workspace=nope"):
        assert page.get(address).status_code == 404, address
    assert page.get(f"{TWIN}?{line('wrkspc_1')}&workspace=wrkspc_2").status_code == 200


def test_a_limit_of_nothing_is_used_up_by_anything(page: Client, small: Organization) -> None:
    assert "a limit of 0" not in words(page.get(f"{TWIN}?{line('wrkspc_1')}"))
    limit(small, INPUT, 0, "wrkspc_1")
    response = page.get(f"{TWIN}?{line('wrkspc_1')}")
    assert rows(response, CAPTION)[1] == "search-prod Input tokens 2 min 2 min 2 min 600 100 % 0 –"
    assert "Any use is above a limit of 0, and counts as 100 % of it." in words(response)
    helped = words(page.get(f"/limits/help/?{line('wrkspc_1')}&limiter={INPUT}"))
    assert "The peak minute is 14:00 UTC with 600; the limit in force now is 0, so any use is above it." in helped


def test_a_limit_given_twice_is_said_by_its_names(page: Client) -> None:
    said = words(page.get(tried((f"limit|wrkspc_1|{INPUT}", "500"), (f"limit|wrkspc_1|{INPUT}", "400"))))
    assert "The limit of search-prod for input tokens is given twice." in said
    assert INPUT not in said


def test_limits_that_are_assumed_are_not_offered_for_preparing(page: Client, small: Organization) -> None:
    change = (f"limit|wrkspc_1|{INPUT}", "500")
    assert "Prepare this limit" in words(page.get(tried(change)))
    Reading.objects.all().delete()
    small.assumed_tier = "scale"
    small.save()
    record(small, {FIRST: {dims("wrkspc_1", "key-1", "claude-sonnet-5"): counts(600)}})
    said = words(page.get(tried(change).replace("rlg_opus", "assumed/sonnet-5")))
    assert "search-prod: at most 500 input tokens a minute" in said
    assert "Prepare this limit" not in said
    assert "These limits are assumed, so none can be prepared: a request could not name them." in said


def test_the_answer_is_where_the_form_leads(page: Client) -> None:
    html = page.get(tried((f"limit|wrkspc_1|{INPUT}", "500"))).content.decode()
    assert 'action="/limits/twin/#answer"' in html
    assert 'id="answer" tabindex="-1"' in html


def test_breadcrumbs_say_where_one_is(page: Client) -> None:
    for address, here in (
        (f"{TWIN}?{line()}", "Limits twin"),
        (f"/limits/help/?{line()}&limiter={INPUT}", "What would help"),
        (f"/limits/minute/?{line()}&limiter={INPUT}&minute=2026-11-20T14:00:00Z", "A minute"),
    ):
        html = page.get(address).content.decode()
        assert '<a href="/limits/">Limits</a><span class="sep" aria-hidden="true">/</span>' in html
        assert f'<span class="clip" aria-current="page">{here}</span>' in html
