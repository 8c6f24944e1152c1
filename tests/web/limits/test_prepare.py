"""Preparing a workspace's limit: what may be, what may not and why, the request it stands for, withdrawing."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from costwatch.directory.models import Organization, PreparedLimit, RateLimitGroup, Reading, Workspace
from tests.two_minutes import GROUP, INPUT, OUTPUT, limit
from tests.web.limits.conftest import text

PREPARE, WITHDRAW, LIST = "/limits/prepare/", "/limits/prepare/withdraw/", "/limits/?view=configured"
ASKED = {"workspace": "wrkspc_1", "limit": f"{GROUP}|{INPUT}", "value": "400", "why": "keeps Default going"}


def shown(page: Client) -> str:
    """The section of what is prepared."""
    html = page.get(LIST).content.decode()
    return str(html.split('id="prepared"')[1].split("</section>")[0])


def said(page: Client) -> str:
    return text("<" + shown(page))


def test_a_limit_is_prepared_with_the_request_it_stands_for_and_nothing_is_sent(page: Client) -> None:
    answer = page.post(PREPARE, ASKED)
    assert (answer.status_code, answer["Location"]) == (302, "/limits/?view=configured#prepared")
    one = PreparedLimit.objects.get()
    assert (one.workspace_key, one.group, one.limiter, one.value) == ("wrkspc_1", GROUP, INPUT, 400)
    assert (one.made_by, one.why, one.withdrawn_at) == ("ada", "keeps Default going", None)
    assert "search-prod , Claude Opus 5.x: input tokens 1,000 → 400 by ada, 14:05 UTC" in said(page)
    assert "POST /v1/organizations/workspaces/wrkspc_1/rate_limits/rl_1" in said(page)
    assert f"{{&quot;limits&quot;:[{{&quot;type&quot;:&quot;{INPUT}&quot;,&quot;value&quot;:400}}]}}" in shown(page)
    assert "costwatch sends nothing while COSTWATCH_MANAGE is off" in said(page)


def test_a_value_above_the_organizations_is_allowed_and_said_to_be_capped(page: Client) -> None:
    page.post(PREPARE, ASKED | {"value": "2000"})
    assert "1,000 → 2,000 capped: the organization’s 1,000 is lower and would apply" in said(page)


def test_zero_and_the_largest_value_are_values(page: Client) -> None:
    for value in ("0", str(2**53 - 1)):
        page.post(PREPARE, ASKED | {"value": value})
        assert PreparedLimit.objects.get(withdrawn_at=None).value == int(value)


def test_the_same_limit_prepared_again_takes_the_place_of_the_first(page: Client) -> None:
    for value in ("400", "300"):
        page.post(PREPARE, ASKED | {"value": value})
    page.post(PREPARE, ASKED | {"workspace": "wrkspc_2"})
    assert [(one.workspace_key, one.value) for one in PreparedLimit.objects.filter(withdrawn_at=None)] == [
        ("wrkspc_1", 300),
        ("wrkspc_2", 400),
    ]
    assert PreparedLimit.objects.count() == 3


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"workspace": "default"}, "The default workspace cannot have limits of its own."),
        ({"workspace": "wrkspc_9"}, "There is no such workspace."),
        ({"workspace": ""}, "Workspace: This field is required."),
        ({"workspace": "a\0"}, "Null characters are not allowed."),
        ({"limit": f"{GROUP}|requests_per_day"}, "The organization has no such limit"),
        ({"limit": f"rlg_none|{INPUT}"}, "The organization has no such limit"),
        ({"limit": "|"}, "The organization has no such limit"),
        ({"limit": f"{GROUP}|enqueued_batch_requests"}, "The organization has no such limit"),
        ({"limit": f"{GROUP}|tokens_per_day"}, "The organization has no such limit"),
        ({"value": "-1"}, "greater than or equal to 0"),
        ({"value": str(2**53)}, "less than or equal to 9007199254740991"),
        ({"value": "many"}, "Value: Enter a whole number."),
        # Half a million to some, half a thousand to others.
        ({"value": "500.000"}, "Value: Enter a whole number."),
        ({"value": "1,000"}, "Value: Enter a whole number."),
        ({"value": "\uff11\uff12"}, "Value: Enter a whole number."),
        ({"value": ""}, "Value: This field is required."),
        ({"why": "x" * 501}, "at most 500 characters"),
    ],
)
def test_what_cannot_be_prepared_is_said_and_what_was_typed_stays(
    page: Client, small: Organization, given: dict[str, str], refusal: str
) -> None:
    limit(small, "enqueued_batch_requests", 100)
    limit(small, "tokens_per_day", None)
    asked = ASKED | given
    page.post(PREPARE, asked)
    assert not PreparedLimit.objects.exists()
    assert refusal in said(page)
    # It is said once.
    assert refusal not in said(page)


def test_what_was_typed_stays(page: Client) -> None:
    page.post(PREPARE, ASKED | {"workspace": "wrkspc_2", "limit": f"{GROUP}|{OUTPUT}", "value": "12x"})
    html = shown(page)
    assert '<option value="wrkspc_2" selected>' in html
    assert f'<option value="{GROUP}|{OUTPUT}" selected>' in html
    assert 'value="12x"' in html
    assert 'value="keeps Default going"' in html


def test_workspaces_that_are_gone_or_archived_cannot_be_limited(page: Client, now: Any) -> None:
    for field in ("gone_at", "archived_at"):
        Workspace.objects.filter(key="wrkspc_1").update(gone_at=None, archived_at=None)
        Workspace.objects.filter(key="wrkspc_1").update(**{field: now})
        page.post(PREPARE, ASKED)
        assert "There is no such workspace." in said(page)


def test_an_entry_without_an_id_has_no_request_that_could_be_written_down(page: Client) -> None:
    RateLimitGroup.objects.update(entry_id="")
    page.post(PREPARE, ASKED)
    assert "The request cannot be written down: the limits as last read give no id of this entry." in said(page)


def test_limits_that_are_assumed_cannot_be_overridden(page: Client, small: Organization) -> None:
    Reading.objects.all().delete()
    small.assumed_tier = "scale"
    small.save()
    page.post(PREPARE, ASKED)
    refused = said(page)
    assert "The limits of this organization are assumed, not read: a request could not name them." in refused
    assert "No limits were read that a request could name, so none can be prepared." in refused


def test_what_is_prepared_can_be_withdrawn_once_and_stays_in_the_books(page: Client, now: Any) -> None:
    page.post(PREPARE, ASKED)
    one = PreparedLimit.objects.get()
    answer = page.post(WITHDRAW, {"number": one.pk})
    assert (answer.status_code, answer["Location"]) == (302, "/limits/?view=configured#prepared")
    assert "Nothing is prepared." in said(page)
    assert PreparedLimit.objects.get().withdrawn_at == now
    for number in (str(one.pk), "0", "x", "", "9" * 30, "²"):
        assert page.post(WITHDRAW, {"number": number}).status_code == 302


def test_the_organization_in_the_address_is_the_one_it_is_prepared_for(page: Client, now: Any) -> None:
    Organization.objects.create(external_id="org-2", name="Other", created_at=now)
    assert page.post(f"{PREPARE}?organization=org-2", ASKED)["Location"] == (
        "/limits/?organization=org-2&view=configured#prepared"
    )
    assert not PreparedLimit.objects.exists()
    page.post(f"{PREPARE}?organization=org-1", ASKED)
    one = PreparedLimit.objects.get()
    assert one.organization.external_id == "org-1"
    page.post(f"{WITHDRAW}?organization=org-2", {"number": one.pk})
    assert PreparedLimit.objects.get().withdrawn_at is None


def test_only_a_signed_in_person_may_and_only_by_a_form_of_ours(page: Client, client: Client) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.get(username="ada"))
    for address in (PREPARE, WITHDRAW):
        assert page.get(address).status_code == 405
        assert careful.post(address, ASKED).status_code == 403
        stranger = Client().post(address, ASKED)
        assert (stranger.status_code, stranger["Location"]) == (302, f"/sign-in/?next={address}")
    assert not PreparedLimit.objects.exists()


def test_the_database_refuses_a_value_below_zero(small: Organization, now: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PreparedLimit.objects.create(
            organization=small,
            workspace_key="wrkspc_1",
            group=GROUP,
            limiter=INPUT,
            value=-1,
            made_by="ada",
            made_at=now,
        )
