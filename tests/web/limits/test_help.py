"""What would help a line: the peak minute's makers, batches, caching and whose limit protects whom, by hand."""

from django.test import Client

from costwatch.directory.models import ApiKey, Organization, RateLimit, Reading
from tests.two_minutes import FIRST, INPUT, OUTPUT, counts, dims, record
from tests.web.limits.conftest import line, rows, words

HELP = "/limits/help/"


def test_the_peak_minute_is_divided_among_those_who_made_it(page: Client) -> None:
    response = page.get(f"{HELP}?{line()}&limiter={INPUT}")
    said = words(response)
    assert "Organization , input tokens; 2 minutes in which the pool was used since 19 Nov, 15:00 UTC" in said
    assert "The peak minute is 14:00 UTC with 900, 90 % of the limit of 1,000 that is in force now." in said
    assert rows(response, "Who made the peak minute") == [
        "search-prod · search-main · Opus 5.5 600 66.6 %",
        "Default · No API key · Opus 5.5 200 22.2 %",
        "batch-jobs · jobs-main · Opus 5.5 100 11.1 %",
    ]


def test_batches_take_a_keys_work_off_every_minute_and_people_cannot_be_batched(page: Client) -> None:
    response = page.get(f"{HELP}?{line()}&limiter={INPUT}")
    assert rows(response, "What batches would take off the peak") == [
        "search-prod · search-main 600 300 30 % 14:00 UTC",
        "batch-jobs · jobs-main 100 800 80 % 14:00 UTC",
        # Without both keys 200 are left at 14:00 and nothing at 14:01.
        "All of these 700 200 20 % 14:00 UTC",
    ]
    assert "it takes for granted that all work of a key can wait up to a day, which no report tells" in words(response)


def test_caching_is_measured_by_the_key_that_caches_best(page: Client) -> None:
    # Of 1,000 tokens of input nothing is read from the cache; the example reads 900 of 1,000.
    response = page.get(f"{HELP}?{line()}&limiter={INPUT}")
    assert rows(response, "What caching would take off the peak") == [
        "search-prod · search-main · Opus 5.5 0.0 % of its input is read from the cache; "
        "batch-jobs · jobs-main · Opus 5.5 reads 90.0 % 540 360 36 % 14:00 UTC"
    ]
    assert "It takes for granted that both do the same kind of work" in words(response)
    of_output = words(page.get(f"{HELP}?{line()}&limiter={OUTPUT}"))
    assert "This limit counts output, and caching takes nothing off output." in of_output


def test_of_a_line_without_keys_nothing_can_be_batched_or_cached(page: Client) -> None:
    said = words(page.get(f"{HELP}?{line('default')}&limiter={INPUT}"))
    assert "what people do in the Console cannot be sent as batches" in said
    assert "No API key used anything in the peak minute: what people do in the Console cannot be cached" in said


def test_a_workspace_that_is_not_there_has_no_help(page: Client) -> None:
    for address in (f"{line('nope')}&limiter={INPUT}", f"{line()}&limiter={INPUT}&workspace=nope"):
        assert page.get(f"{HELP}?{address}").status_code == 404, address


def test_where_no_other_key_caches_better_there_is_no_example(page: Client, small: Organization) -> None:
    record(small, {FIRST: {dims("wrkspc_1", "key-1"): counts(600)}})
    assert "No other key with comparable input" in words(page.get(f"{HELP}?{line()}&limiter={INPUT}"))


def test_limits_that_are_assumed_are_not_offered_for_preparing(page: Client, small: Organization) -> None:
    Reading.objects.all().delete()
    small.assumed_tier = "scale"
    small.save()
    model = "claude-sonnet-5"
    record(
        small,
        {
            FIRST: {
                dims("wrkspc_1", "key-1", model): counts(9_000_000),
                dims("wrkspc_2", "key-2", model): counts(900_000),
            }
        },
    )
    response = page.get(f"{HELP}?{line(group='assumed/sonnet-5')}&limiter={INPUT}")
    said = words(response)
    # 7,100,000 beside the other's 900,000 are 80 % of 10,000,000.
    assert rows(response, "Which limit would protect whom")[0] == (
        "search-prod 7.10 M 1.90 M in 1 minute batch-jobs (1 minute)"
    )
    assert "Prepare this limit" not in said
    assert "These limits are assumed, so none can be prepared" in said


def test_a_limit_protects_the_others_and_can_be_prepared(page: Client) -> None:
    response = page.get(f"{HELP}?{line()}&limiter={INPUT}")
    assert rows(response, "Which limit would protect whom") == [
        # 500 beside the others' 300 are 80 % of 1,000.
        "search-prod 500 100 in 1 minute Default (1 minute), batch-jobs (1 minute) Prepare this limit",
        "Default – cannot be limited: it is the default workspace",
        "batch-jobs – no limit of it alone is enough",
    ]
    html = response.content.decode()
    form = html.split('action="/limits/prepare/"')[1].split("</form>")[0]
    assert 'name="workspace" value="wrkspc_1"' in form
    assert f'name="limit" value="rlg_opus|{INPUT}"' in form
    assert 'name="value" value="500"' in form
    assert "csrfmiddlewaretoken" in form


def test_a_workspace_is_told_whose_limit_would_protect_it(page: Client) -> None:
    response = page.get(f"{HELP}?{line('wrkspc_2')}&limiter={INPUT}")
    assert "The peak minute is 14:00 UTC with 100, 10 % of the limit of 1,000" in words(response)
    assert rows(response, "Which limit would protect whom") == [
        "search-prod 500 100 in 1 minute Default (1 minute), batch-jobs (1 minute) Prepare this limit",
        "Default – cannot be limited: it is the default workspace",
    ]


def test_a_pool_below_80_percent_needs_no_protection_and_one_without_a_limit_cannot_have_any(page: Client) -> None:
    assert "was never above 80 %: there is nothing to protect" in words(page.get(f"{HELP}?{line()}&limiter={OUTPUT}"))
    RateLimit.objects.filter(limiter=OUTPUT).delete()
    assert "No limit of the organization is known" in words(
        page.get(f"{HELP}?{line()}&limiter=output_tokens_per_minute")
    )


def test_it_is_a_page_of_its_own_and_a_part_of_the_line(page: Client) -> None:
    address = f"{HELP}?{line()}&limiter={INPUT}"
    assert page.get(address).content.startswith(b"<!doctype html>")
    part = page.get(address, headers={"HX-Request": "true", "HX-Target": "help"}).content.decode()
    assert part.lstrip().startswith('<div id="help"')
    # Whoever worked it out goes on reading there.
    assert part.lstrip().startswith('<div id="help" class="stack" tabindex="-1" autofocus>')
    opened = page.get(f"/limits/?{line()}").content.decode()
    assert 'hx-swap="outerHTML show:#help:top"' in opened
    assert f'hx-get="/limits/help/?{line()}&amp;limiter={INPUT}" hx-target="#help"' in opened
    assert f'href="/limits/help/?{line()}&amp;limiter={INPUT}#help"' in opened
    assert page.get(f"{address}&organization=org-1").content.decode().count("?organization=org-1&amp;line=") >= 2


def test_names_from_upstream_are_text(page: Client, small: Organization) -> None:
    ApiKey.objects.update(name="<script>alert(1)</script>")
    html = page.get(f"{HELP}?{line()}&limiter={INPUT}").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_line_without_use_says_so_and_what_is_no_line_is_not_found(page: Client) -> None:
    empty = page.get(f"{HELP}?{line(group='rlg_none')}&limiter={OUTPUT}")
    assert "Nothing that counts was used in the last 24 hours." in words(empty)
    for address in ("", f"?{line()}", f"?limiter={INPUT}", f"?{line()}&limiter=fast_otpm"):
        assert page.get(HELP + address).status_code == 404, address
    assert page.get(f"{HELP}?{line()}&limiter=none").status_code == 400
    assert page.post(f"{HELP}?{line()}&limiter={INPUT}").status_code == 405
