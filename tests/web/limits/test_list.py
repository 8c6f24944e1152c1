"""What the list of lines says beside them: refusals that no line counts, and which hours it is about."""

from datetime import datetime, timedelta

from django.test import Client

from costwatch.directory.models import Organization
from costwatch.ledger.observations import Response, record_responses
from costwatch.upstream.limit_headers import Said
from tests.web.limits.conftest import words


def test_refusals_told_without_a_model_are_on_no_line_and_said_above_the_list(
    page: Client, small: Organization, now: datetime
) -> None:
    def tell(status: int, minutes: int, **more: str) -> None:
        one = Response(small.pk, now - timedelta(minutes=minutes), status, Said({}), **more)
        record_responses(responses=[one], now=now)

    tell(429, 3, model="claude-opus-5-5")
    tell(200, 2)
    assert "without a model" not in words(page.get("/limits/"))
    tell(429, 65)
    assert "1 refusal (429) of 7 days was reported without a model, at 13:00 UTC, so no line counts it." in words(
        page.get("/limits/")
    )
    tell(429, 4, workspace_key="wrkspc_1")
    said = "2 refusals (429) of 7 days were reported without a model, the newest at 14:01 UTC, so no line counts them."
    assert said in words(page.get("/limits/"))
    assert "without a model" not in words(page.get("/limits/?workspace=wrkspc_2"))
    assert "1 refusal (429)" in words(page.get("/limits/?workspace=wrkspc_1"))


def test_the_24_hours_are_the_hour_under_way_and_those_before(page: Client) -> None:
    answer = page.get("/limits/")
    assert "24 h are the hour under way and the 23 before it." in words(answer)
    assert 'title="the hour under way and the 23 before it">Over 80 %, 24 h</th>' in answer.content.decode()
