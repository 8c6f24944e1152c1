"""Coverage as a list by pages: the rows of the coverage report."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from costwatch.api import pages, parameters, questions, shapes
from costwatch.api.deadline import deadline
from costwatch.api.parameters import Parameter
from costwatch.api.routes import Route, answer
from costwatch.insights.query import Query
from costwatch.insights.reports import report


class Coverage(Route):
    """How complete each source is, span by span."""

    operation = "coverage"
    tag = "Reports"
    renderer_classes = (JSONRenderer,)
    parameters = (
        questions.SINCE,
        questions.UNTIL,
        questions.AS_OF,
        questions.OF_ORGANIZATION,
        Parameter(
            "source",
            "Only this source.",
            parameters.one_of(*shapes.SOURCES),
            {"type": "string", "enum": list(shapes.SOURCES)},
        ),
        Parameter(
            "state",
            "Only spans in these states.",
            parameters.one_of(*shapes.STATES),
            {"type": "array", "items": {"type": "string", "enum": list(shapes.STATES)}, "uniqueItems": True},
            many=True,
        ),
        *pages.PARAMETERS,
    )
    content = shapes.listed("CoverageRow")

    def get(self, request: Request) -> HttpResponse:
        """Answer with one page of spans, by organization, source and time."""
        values = parameters.read(request, self.parameters)
        page = pages.page(self.operation, values)
        query = questions.asked(values)
        return answer(request, lambda: _text(query, page, values))


def _text(query: Query, page: pages.Page, values: Mapping[str, Any]) -> bytes:
    with deadline():
        found = report("coverage", query)["rows"]
    wanted = [
        row
        for row in sorted(found, key=_place)
        if row["source"] == values.get("source", row["source"])
        and row["state"] in values.get("state", shapes.STATES)
        and (page.after is None or _place(row) > page.after)
    ]
    rows, cursor = page.cut(wanted, [_place(row) for row in wanted])
    text: bytes = JSONRenderer().render({"data": rows, "next_cursor": cursor})
    return text


def _place(row: dict[str, Any]) -> list[str]:
    return [row["organization_id"], row["source"], row["since"]]
