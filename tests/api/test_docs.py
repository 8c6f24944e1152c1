"""The page of the API: every operation on it, and nothing that the policy forbids."""

import re
from typing import Any

import pytest
from django.test import Client

from costwatch.api import reference
from costwatch.api.documentation import description
from tests.api.conftest import get
from tests.e2e.test_pages import Watched, browser, watched  # noqa: F401


def test_the_page_shows_every_operation_with_its_parameters_and_shapes(api: Client) -> None:
    text = get(api, "docs/").content.decode()
    for path, methods in description()["paths"].items():
        for operation in methods.values():
            section = text.partition(f'id="{operation["operationId"]}"')[2].partition("</section>")[0]
            assert path in section
            assert all(one["name"] in section for one in operation["parameters"])
    ids = set(re.findall(r'\sid="([^"]+)"', text))
    assert {target for target in re.findall(r'href="#([\w-]+)"', text) if not target.startswith("i-")} <= ids
    assert {f"shape-{name}" for name in description()["components"]["schemas"]} <= ids


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "date"}, "string, date"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, "integer, ≥ 1, ≤ 500, = 100"),
        ({"enum": ["day", "week"]}, "one of day, week"),
        ({"type": "array", "items": {"enum": ["model", "speed"]}, "maxItems": 4}, "some of model, speed, ≤ 4"),
        ({"oneOf": [{"$ref": "#/a/Row"}, {"type": "array", "items": {"$ref": "#/a/Row"}}]}, "Row or list of Row"),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_kind_of_value_is_said_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    assert reference.kind(schema) == words


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("watched", [1440, 360], indirect=True)
def test_prv_03_the_page_breaks_no_policy_and_fits_the_screen(watched: Watched) -> None:  # noqa: F811
    page = watched.open("/api/v1/docs/")
    page.locator(".api-list a[href='#report_spend']").click()
    assert page.locator("#report_spend h2").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert watched.problems == []
