"""The lists over HTTP: what they show, pages by key set, filters by allow-list."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from costwatch import clock
from costwatch.directory.models import ApiKey, Organization, Workspace
from costwatch.ingest.models import Coverage
from tests.api.conftest import get, refused
from tests.web.conftest import HOSTILE, add_workspace


def test_a_workspace_is_shown_whole_and_named_as_in_reports(api: Client) -> None:
    assert get(api, "workspaces/wrkspc_1").json() == {
        "id": "wrkspc_1",
        "external_id": "wrkspc_1",
        "organization_id": "org-1",
        "name": "search-prod",
        "status": "active",
        "created_at": None,
        "archived_at": None,
        "display_color": "",
        "data_residency": {},
        "tags": {"team": "search"},
        "last_seen_at": "2026-11-20T14:05:00Z",
        "gone_at": None,
    }


def test_the_default_workspace_is_found_by_both_its_names(api: Client) -> None:
    Workspace.objects.filter(key="wrkspc_3").update(key="default", external_id="wrkspc_real")
    by_key, by_id = get(api, "workspaces/default"), get(api, "workspaces/wrkspc_real")
    assert by_key.content == by_id.content
    assert (by_key.json()["id"], by_key.json()["external_id"]) == ("default", "wrkspc_real")


def test_the_keys_of_the_default_workspace_are_found_by_both_its_names(api: Client) -> None:
    Workspace.objects.filter(key="wrkspc_3").update(key="default", external_id="wrkspc_real")
    ApiKey.objects.update(workspace_key="default")
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=clock.now())
    ApiKey.objects.create(
        organization=other,
        external_id="key-2",
        workspace_key="default",
        first_seen_at=clock.now(),
        last_seen_at=clock.now(),
    )
    assert [one["id"] for one in get(api, "keys?workspace_id=default").json()["data"]] == ["key-1", "key-2"]
    assert [one["id"] for one in get(api, "keys?workspace_id=wrkspc_real").json()["data"]] == ["key-1"]


def test_a_key_is_shown_without_anything_that_could_be_its_secret(api: Client) -> None:
    ApiKey.objects.update(partial_key_hint="sk-ant-api03-R2D...igAA", extra={"secret": "sk-ant-api03-whole"})
    made = get(api, "keys/key-1").json()
    assert (made["id"], made["workspace_id"], made["status"]) == ("key-1", "wrkspc_1", "active")
    assert made["hint"] == "sk-ant-api03-R2D...igAA"
    assert b"whole" not in get(api, "keys").content


def test_organizations_are_listed(api: Client) -> None:
    assert get(api, "organizations").json() == {
        "data": [
            {
                "id": "org-1",
                "name": "Example Inc",
                "created_at": "2026-11-20T14:05:00Z",
                "history_since": "2026-10-01",
            }
        ],
        "next_cursor": None,
    }


def test_a_hostile_name_stays_text(api: Client) -> None:
    response = get(api, "workspaces/wrkspc_2")
    assert response.json()["name"] == HOSTILE
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_web_16_pages_hold_every_row_once_whatever_is_added_in_between(api: Client) -> None:
    organization = Organization.objects.get()
    seen: list[str] = []
    cursor = ""
    while True:
        page = get(api, f"workspaces?limit=2{cursor and f'&cursor={cursor}'}").json()
        seen += [one["id"] for one in page["data"]]
        add_workspace(organization, f"later_{len(seen)}", "later") if len(seen) < 4 else None
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert seen == ["wrkspc_1", "wrkspc_2", "wrkspc_3", "later_2"]


def test_web_16_a_page_of_500_is_the_largest(api: Client) -> None:
    organization = Organization.objects.get()
    Workspace.objects.bulk_create(
        Workspace(
            organization=organization,
            key=f"w{n}",
            external_id=f"w{n}",
            first_seen_at=clock.now(),
            last_seen_at=clock.now(),
        )
        for n in range(600)
    )
    first = get(api, "workspaces?limit=500").json()
    rest = get(api, f"workspaces?limit=500&cursor={first['next_cursor']}").json()
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (500, 103, None)
    assert len(get(api, "workspaces").json()["data"]) == 100
    for limit in ("501", "0", "-1", "1000000000", "9223372036854775808", "NaN", "1 OR 1=1", "1e2", "٣", "", "1_0"):
        made = refused(api.get("/api/v1/workspaces", {"limit": limit}), 400)
        assert [one["parameter"] for one in made["errors"]] == ["limit"]


def test_web_16_a_cursor_that_this_list_did_not_make_is_refused(api: Client) -> None:
    cursor = get(api, "workspaces?limit=1").json()["next_cursor"]
    for wrong in ("1", "", "MQ", cursor[:-1], cursor + "A", "x" * 1000, "1:" + cursor.partition(":")[2]):
        made = refused(api.get("/api/v1/workspaces", {"cursor": wrong}), 400)
        assert [one["parameter"] for one in made["errors"]] == ["cursor"]
    refused(get(api, f"keys?cursor={cursor}"), 400)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("workspaces?status=active", ["wrkspc_1", "wrkspc_2"]),
        ("workspaces?status=archived", ["wrkspc_3"]),
        ("workspaces?status=gone", []),
        ("workspaces?organization_id=org-1", ["wrkspc_1", "wrkspc_2", "wrkspc_3"]),
        ("workspaces?organization_id=org-2", []),
        ("keys?status=active", ["key-1"]),
        ("keys?status=expired", []),
        ("keys?workspace_id=wrkspc_1", ["key-1"]),
        ("keys?workspace_id=wrkspc_2", []),
    ],
)
def test_lists_are_filtered(api: Client, address: str, found: list[str]) -> None:
    Workspace.objects.filter(key="wrkspc_3").update(archived_at=clock.now())
    assert [one["id"] for one in get(api, address).json()["data"]] == found


def test_an_id_that_two_organizations_have_needs_the_organization(api: Client) -> None:
    other = Organization.objects.create(external_id="org-2", name="Other", created_at=clock.now())
    add_workspace(other, "wrkspc_1", "theirs")
    assert refused(get(api, "workspaces/wrkspc_1"), 400)["errors"][0]["parameter"] == "organization_id"
    assert get(api, "workspaces/wrkspc_1?organization_id=org-2").json()["name"] == "theirs"


@pytest.mark.parametrize("id", ["nobody", "WRKSPC_1", "%7Bwrkspc_1%7D", "wrkspc_1%00", "1", "%F0%28%8C%28", "a" * 5000])
def test_an_id_that_is_not_there_is_not_found(api: Client, id: str) -> None:
    refused(get(api, f"workspaces/{id}"), 404)


def test_a_list_has_an_entity_tag_that_follows_what_it_shows(api: Client) -> None:
    tag = get(api, "workspaces").headers["ETag"]
    assert get(api, "workspaces", If_None_Match=tag).status_code == 304
    Workspace.objects.filter(key="wrkspc_1").update(tags={"team": "other"})
    assert get(api, "workspaces", If_None_Match=tag).status_code == 200


def test_coverage_is_listed_span_by_span(api: Client) -> None:
    Coverage.objects.filter(source="cost", start="2026-11-20T00:00Z").delete()
    span = "since=2026-11-19&until=2026-11-21"
    first = get(api, f"coverage?{span}&limit=1").json()
    rest = get(api, f"coverage?{span}&cursor={first['next_cursor']}").json()
    assert [(one["source"], one["since"], one["until"], one["state"]) for one in first["data"] + rest["data"]] == [
        ("cost", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z", "settled"),
        ("cost", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "missing"),
        ("usage", "2026-11-19T00:00:00Z", "2026-11-20T15:00:00Z", "settled"),
    ]
    wanted = get(api, f"coverage?{span}&source=cost&state=missing&state=open").json()["data"]
    assert [one["since"] for one in wanted] == ["2026-11-20T00:00:00Z"]
    assert rest["next_cursor"] is None


def test_coverage_asks_the_database_as_often_for_many_spans_as_for_few(
    api: Client,
) -> None:
    asked = "coverage?since=2026-11-01&until=2026-11-21&limit=500"

    def spans_and_queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            spans = get(api, asked).json()["data"]
        return len(spans), len(queries)

    spans_and_queries()
    few, of_few = spans_and_queries()
    Coverage.objects.filter(source="usage", start__hour__in=range(0, 24, 2)).update(state="open")
    many, of_many = spans_and_queries()
    assert (few < 10, many > 400) == (True, True)
    assert of_few == of_many <= 40
