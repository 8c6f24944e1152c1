"""Reports: the JSON that `manage.py report` prints, under the same names."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from costwatch.api import parameters, questions, shapes
from costwatch.api.deadline import deadline
from costwatch.api.gate import gate
from costwatch.api.parameters import Parameter
from costwatch.api.refusals import Refused
from costwatch.api.routes import Route, answer
from costwatch.insights.bounds import days_of_values
from costwatch.insights.query import Query
from costwatch.insights.render import render
from costwatch.insights.reports import columns, report


class AsJson(BaseRenderer):
    """Marks that a route answers in JSON; the report makes the text itself."""

    media_type, format = "application/json", "json"


class AsCsv(BaseRenderer):
    """Marks that a route answers in CSV; the report makes the text itself."""

    media_type, format = "text/csv", "csv"


FORMAT = Parameter(
    "format",
    "The format of the answer, in place of the Accept header.",
    parameters.one_of("json", "csv"),
    {"type": "string", "enum": ["json", "csv"], "default": "json"},
)
_RANGE = (questions.SINCE, questions.UNTIL, questions.INTERVAL)
_END = (questions.AS_OF, FORMAT)


class Report(Route):
    """One report; `name` is given where it is routed."""

    name = ""
    tag = "Reports"
    renderer_classes = (AsJson, AsCsv)

    def get(self, request: Request) -> HttpResponse:
        """Answer with the rows, the totals and how far the data goes."""
        query = questions.asked(parameters.read(request, self.parameters))
        form = request.accepted_renderer
        return answer(request, lambda: self._text(query, form.format), form.media_type)

    def _text(self, query: Query, form: str) -> str:
        with gate(), deadline():
            _foresee(query)
            made = report(self.name, query)
        _bound(len(made["rows"]))
        return render(made, columns(self.name, query), form)


class Spend(Report):
    """What was spent: as reported, at list and at your rates, with the counts behind it."""

    name = "spend"
    operation = "report_spend"
    content = shapes.report_of("spend")
    parameters = (*_RANGE, questions.GROUP_BY, *questions.FILTERS, *_END)


class Usage(Report):
    """What was used: token and request counts, without money."""

    name = "usage"
    operation = "report_usage"
    content = shapes.report_of("usage")
    parameters = (*_RANGE, questions.GROUP_BY, *questions.FILTERS, *_END)


class Unpriced(Report):
    """Quantities without a price in force, with the reason."""

    name = "unpriced"
    operation = "report_unpriced"
    content = shapes.report_of("unpriced")
    parameters = (*_RANGE, *questions.FILTERS, *_END)


class Coverage(Report):
    """How complete each source is: one row for every span of time in one state."""

    name = "coverage"
    operation = "report_coverage"
    content = shapes.report_of("coverage")
    parameters = (*_RANGE, questions.OF_ORGANIZATION, *_END)


class Changes(Report):
    """What became of figures that were known before: by how much each day changed, and why that was noticed.

    With `as_of`, what changed after that time.
    """

    name = "changes"
    operation = "report_changes"
    content = shapes.report_of("changes")
    parameters = (*_RANGE, questions.OF_ORGANIZATION, *_END)


class Limits(Report):
    """How close each group of models and workspace ran to its rate limits; null is not measurable."""

    name = "limits"
    operation = "report_limits"
    content = shapes.report_of("limits")
    parameters = (*_RANGE, questions.OF_ORGANIZATION, questions.OF_WORKSPACE, FORMAT)


REPORTS = (Spend, Usage, Unpriced, Coverage, Limits, Changes)


def _foresee(query: Query) -> None:
    """Refuse what would be too large before it is read."""
    fine = query.interval in ("hour", "day")
    most = questions.MOST_ROWS if fine else questions.MOST_AMOUNTS
    if days_of_values(query, most + 1) > most:
        detail = _(
            "The answer is made of more than %(most)d daily amounts, which is the most. Ask for fewer days, fewer "
            "dimensions in group_by, or fewer workspaces."
        )
        raise Refused(detail % {"most": most})


def _bound(rows: int) -> None:
    if rows > questions.MOST_ROWS:
        detail = _(
            "The answer has %(rows)d rows, and %(most)d is the most. Ask for fewer days, fewer dimensions in group_by, "
            "or a longer interval."
        )
        raise Refused(detail % {"rows": rows, "most": questions.MOST_ROWS})
