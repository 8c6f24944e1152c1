"""A signed-in browser before the pool that runs hot."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from costwatch.directory.models import Organization
from tests.two_minutes import GROUP, make_two_minutes


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def small(organization: Organization) -> Organization:
    return make_two_minutes(organization)


@pytest.fixture
def page(client: Client, small: Organization) -> Client:
    """A browser of a signed-in person."""
    client.force_login(User.objects.create_user("ada"))
    return client


@pytest.fixture
def browser(client: Client, hot: Organization) -> Client:
    """A signed-in person before the hot organization, whose minutes were read from 19 Nov to 20 Nov, 14:05."""
    client.force_login(User.objects.create_user("ada"))
    return client


def line(workspace: str = "", pool: str = "", group: str = GROUP) -> str:
    """A line as the address writes it."""
    return f"line={pool}%7C{workspace}%7C{group}"


def text(html: str) -> str:
    """The text of some markup with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def words(response: Any) -> str:
    """The text of a page's content."""
    return text("<main" + str(response.content.decode()).split("<main")[-1].split("</main>")[0])


def rows(response: Any, caption: str) -> list[str]:
    """The rows of the table with a caption, without its head."""
    table = str(response.content.decode()).split(f">{caption}</caption>")[1].split("</table>")[0]
    return [text(f"<tr{row}") for row in table.split("<tr")[2:]]
