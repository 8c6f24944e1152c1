"""Requests made from the schema, good and bad: never a failure of ours, every answer as the schema describes it."""

import copy
import os
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from costwatch.api.documentation import description
from costwatch.directory.models import Organization
from tests.web.conftest import ledger  # noqa: F401

CASES = int(os.environ.get("COSTWATCH_FUZZ_CASES", "400"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
CSRF = "a" * 32
TOKEN = "b" * 32
# Days where the small ledger has something, so that good questions have answers with rows.
DAYS = st.integers(0, 60).map(lambda count: (date(2026, 9, 28) + timedelta(days=count)).isoformat())
schemathesis.openapi.format("date", DAYS)
schemathesis.openapi.format("date-time", DAYS.map(lambda day: f"{day}T14:05:00Z"))


def operations() -> dict[str, Any]:
    """Every operation of the schema by its id; who is signed in is not what is varied here."""
    document = copy.deepcopy(description())
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security")
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


OPERATIONS = operations()


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """A request does not end the test's own connection and transaction, as within Django's client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def cookies(client: Client, ledger: Organization, kept_connection: None, settings: Any) -> dict[str, str]:  # noqa: F811
    """The cookies of a signed-in caller that may also post."""
    settings.OBSERVATIONS_TOKEN = TOKEN
    client.force_login(User.objects.create_user("finance"))
    return {"sessionid": client.cookies["sessionid"].value, "csrftoken": CSRF}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_web_22_no_request_makes_the_api_fail(name: str, mode: GenerationMode, cookies: dict[str, str]) -> None:
    operation = OPERATIONS[name]
    # An item of a quote that is wrong is answered as invalid, not refused: its list still runs.
    refuses = mode == GenerationMode.NEGATIVE and name != "quote"
    statuses: set[int] = set()

    @settings(
        max_examples=max(1, CASES // (2 * len(OPERATIONS))),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call(cookies=cookies, headers={"X-CSRFToken": CSRF, "Authorization": f"Bearer {TOKEN}"})
        statuses.add(response.status_code)
        case.validate_response(response, checks=[*CHECKS, *([negative_data_rejection] if refuses else [])])

    ask()
    if mode == GenerationMode.POSITIVE:
        assert statuses & {200, 304, 404}, f"no good request was answered: {statuses}"
