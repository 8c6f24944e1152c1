"""Coming in: sign-in, throttling, one-time links, the demo user, and what is open to everybody."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver

from costwatch.access import links, throttle
from costwatch.broker import caches
from tests.servers import redis
from tests.web.conftest import text_of

PASSWORD = "a long enough phrase"
OPEN = {"sign_in", "sign_in_demo", "sign_out", "sign_in_link", "healthz", "readyz", "metrics"}
ARGUMENTS = {"workspace": ["default"], "sign_in_link": ["x"]}


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def test_every_page_asks_a_stranger_to_sign_in_but_the_named_ones(client: Client, db: None) -> None:
    names = {key for key in get_resolver().reverse_dict if isinstance(key, str)}
    assert len(names) > 10
    for name in names - OPEN:
        from django.urls import reverse

        response = client.get(reverse(name, args=ARGUMENTS.get(name, [])))
        assert response.status_code == 302, name
        assert response["Location"].startswith("/sign-in/?next="), name


def test_health_is_plain_and_open(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, text_of(response)) == (200, "ok")


def test_signing_in_leads_to_where_one_was_going(client: Client, ada: User) -> None:
    response = client.post(
        "/sign-in/", {"username": "ada", "password": PASSWORD, "next": "/workspaces/?range=last-month"}
    )
    assert response["Location"] == "/workspaces/?range=last-month"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "///x",
        "\t//x",
    ],
)
def test_signing_in_never_leads_off_this_site(client: Client, ada: User, target: str) -> None:
    response = client.post("/sign-in/", {"username": "ada", "password": PASSWORD, "next": target})
    assert response["Location"] in ("/", "/%09/evil.example")


def test_five_wrong_passwords_close_the_door_for_that_name_and_address(client: Client, ada: User) -> None:
    for left in ("4 tries left", "3 tries left", "2 tries left", "1 try left", "Wait 15 minutes"):
        response = client.post("/sign-in/", {"username": "ada", "password": "wrong"})
        assert response.status_code == 403
        assert left in text_of(response)
    blocked = client.post("/sign-in/", {"username": "ADA ", "password": PASSWORD})
    assert blocked.status_code == 429
    elsewhere = client.post("/sign-in/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302


def test_sixteen_wrong_passwords_side_by_side_are_five_tries() -> None:
    with ThreadPoolExecutor(16) as pool:
        left = sorted(pool.map(lambda _: throttle.take("ada", "192.0.2.9"), range(16)))
    assert left == [*range(-11, 0), 0, 1, 2, 3, 4]


def test_a_password_is_looked_at_only_after_its_try_was_counted(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def look(*given: object, **named: object) -> None:
        counted.append(cache.get(throttle._key("ada", "127.0.0.1")))

    monkeypatch.setattr("costwatch.access.views.authenticate", look)
    for _ in range(7):
        client.post("/sign-in/", {"username": "ada", "password": "wrong"})
    assert counted == [1, 2, 3, 4, 5]


def test_a_sign_in_that_works_forgets_the_tries_before_it(client: Client, ada: User) -> None:
    for _ in range(3):
        for _ in range(4):
            assert client.post("/sign-in/", {"username": "ada", "password": "wrong"}).status_code == 403
        assert client.post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 302


def test_failures_are_counted_with_redis_and_while_it_is_away(ada: User, settings: Any, tmp_path: Path) -> None:
    """Two web processes share a count; a broker that is gone keeps nobody out and lets nobody try for ever."""
    with redis(tmp_path) as server:
        settings.CACHES = caches(server.url)
        one, two = Client(), Client()
        for caller in (one, two, one, two, one):
            assert caller.post("/sign-in/", {"username": "ada", "password": "wrong"}).status_code == 403
        assert two.post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 429
        server.stop()
        assert two.post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 302
        for _ in range(5):
            assert one.post("/sign-in/", {"username": "ada", "password": "wrong"}).status_code == 403
        assert one.post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 429


def test_an_unknown_name_is_answered_like_a_wrong_password(client: Client, ada: User) -> None:
    known = client.post("/sign-in/", {"username": "ada", "password": "wrong"})
    unknown = client.post("/sign-in/", {"username": "bob", "password": "wrong"})
    hidden = re.compile(r'value="[^"]*"')
    assert hidden.sub("", text_of(known)) == hidden.sub("", text_of(unknown))


def test_a_password_is_never_written_back(client: Client, ada: User) -> None:
    response = client.post("/sign-in/", {"username": "ada", "password": "guess-guess"})
    assert "guess-guess" not in text_of(response)


def test_signing_out_needs_a_post_and_a_token(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 403


def link() -> str:
    return "/" + links.make().split("/", 3)[3]


def test_ops_08_a_link_makes_the_first_administrator_once(client: Client, db: None) -> None:
    address = link()
    assert "First administrator" in text_of(client.get(address))
    assert client.get(address).status_code == 200
    given = {"username": "root", "password": PASSWORD, "again": PASSWORD}
    response = client.post(address, given)
    assert response.status_code == 302
    assert User.objects.get().is_superuser
    assert client.get(address).status_code == 404
    assert client.post(address, given).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "problem"),
    [
        ("short", "short", "too short"),
        ("password1234", "password1234", "too common"),
        ("123456789012", "123456789012", "numeric"),
        (PASSWORD, "another phrase here", "differ"),
        ("root-user-name", "root-user-name", "similar"),
    ],
)
def test_a_link_refuses_a_bad_password_and_stays_alive(
    client: Client, db: None, password: str, again: str, problem: str
) -> None:
    address = link()
    response = client.post(address, {"username": "root-user-name", "password": password, "again": again})
    assert response.status_code == 400
    assert problem in text_of(response)
    assert client.get(address).status_code == 200


def test_a_dead_link_is_a_plain_404(client: Client, db: None) -> None:
    response = client.get("/sign-in/link/nothing/")
    assert response.status_code == 404
    assert "This link does not work" in text_of(response)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_the_sandbox_signs_a_visitor_of_this_machine_in(client: Client, db: None, now: object, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200
    assert User.objects.get().username == "demo"
    assert not User.objects.get().is_superuser
    assert not User.objects.get().has_usable_password() or User.objects.get().password == ""


@pytest.mark.parametrize(("host", "peer"), [("testserver", "127.0.0.1"), ("localhost", "192.0.2.7"), ("localhost", "")])
def test_the_demo_user_is_for_loopback_alone(client: Client, db: None, host: str, peer: str) -> None:
    assert client.get("/", headers={"host": host}, REMOTE_ADDR=peer).status_code == 302
    assert not User.objects.exists()


def test_who_signs_out_of_the_sandbox_stays_out_until_they_come_back(client: Client, db: None, now: object) -> None:
    at = {"host": "localhost"}
    assert client.get("/", headers=at).status_code == 200
    client.post("/sign-out/", headers=at)
    response = client.get("/", headers=at)
    assert response.status_code == 302
    assert "Look at the sandbox" in text_of(client.get("/sign-in/", headers=at))
    client.post("/sign-in/demo/", headers=at)
    assert client.get("/", headers=at).status_code == 200


def test_nobody_signs_in_with_the_demo_user_and_no_password(client: Client, db: None, now: object) -> None:
    client.get("/", headers={"host": "localhost"})
    for password in ("", " ", "demo"):
        response = client.post("/sign-in/", {"username": "demo", "password": password})
        assert response.status_code in (400, 403)


def test_a_link_that_worked_forgets_the_wrong_passwords_of_that_name(client: Client, ada: User) -> None:
    for _ in range(5):
        client.post("/sign-in/", {"username": "ada", "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
        client.post("/sign-in/", {"username": "bob", "password": "wrong"})
    given = {"username": "ada", "password": "another long phrase", "again": "another long phrase"}
    assert client.post(link(), given).status_code == 302
    client.logout()
    again = {"username": "ada", "password": "another long phrase"}
    assert client.post("/sign-in/", again, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert client.post("/sign-in/", {"username": "bob", "password": "wrong"}).status_code == 429


@pytest.mark.parametrize(
    "address",
    [
        "/?" + "&".join(f"a{number}=1" for number in range(1500)),
        "/?" + "a=&" * 1001,
        "/?_connector=OR",
        "/workspaces/?range=last-month&user__password=x",
        "/set-up/?id=1",
        "/progress/?%00=1",
        "/downloads/spend.csv?format=xlsx",
    ],
    ids=["long", "too many", "connector", "lookup", "id", "nul", "format"],
)
def test_a_parameter_that_no_page_reads_is_refused(page: Client, address: str) -> None:
    assert page.get(address).status_code == 400


@pytest.mark.parametrize("path", ["/", "/sign-in/"])
def test_too_many_parameters_or_fields_are_a_bad_request(client: Client, db: None, now: object, path: str) -> None:
    many = {f"a{number}": "1" for number in range(1500)}
    assert client.get("/sign-in/", many).status_code == 400
    assert client.get("/sign-in/?" + "a=&" * 1001).status_code == 400
    assert client.post("/sign-in/", many).status_code == 400
    assert client.post(path, b"a" * 3_000_000, content_type="application/x-www-form-urlencoded").status_code < 500
    assert client.get(path, headers={"host": "evil..example"}).status_code == 400


def test_a_form_that_cannot_be_read_is_a_bad_request(page: Client) -> None:
    assert page.post("/set-up/", {f"a{number}": "1" for number in range(1500)}).status_code == 400
    assert page.post("/set-up/", b"no parts", content_type="multipart/form-data; boundary=").status_code == 400


def test_what_pages_read_is_known(page: Client) -> None:
    state = "range=last-month&compare=previous&breakdown=model&sort=name&organization=org-1"
    for address in (f"/?{state}", f"/workspaces/?{state}&q=x", f"/downloads/spend.csv?{state}&workspace=wrkspc_1"):
        assert page.get(address).status_code == 200, address
    assert page.get("/?since=2026-11-01&until=2026-11-03").status_code == 200


@pytest.mark.parametrize("address", ["/?q=" + "x" * 100_000, "/" + "x" * 100_000])
def test_an_address_nobody_needs_is_too_long(page: Client, address: str) -> None:
    assert page.get(address).status_code == 400
