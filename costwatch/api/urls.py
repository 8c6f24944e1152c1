"""Routes of the API."""

from django.urls import URLPattern, path, re_path

from costwatch.api.coverage import Coverage
from costwatch.api.directory import ApiKeys, OneApiKey, OneWorkspace, Organizations, Workspaces
from costwatch.api.documentation import Documentation, Schema
from costwatch.api.observations import RateLimitObservations
from costwatch.api.quote import Quote
from costwatch.api.reports import REPORTS
from costwatch.api.routes import Nothing

app_name = "api"
urlpatterns: list[URLPattern] = [
    *(path(f"reports/{one.name}", one.as_view(), name=one.operation) for one in REPORTS),
    path("coverage", Coverage.as_view(), name="coverage"),
    path("organizations", Organizations.as_view(), name="organizations"),
    path("workspaces", Workspaces.as_view(), name="workspaces"),
    path("workspaces/<str:id>", OneWorkspace.as_view(), name="workspace"),
    path("keys", ApiKeys.as_view(), name="keys"),
    path("keys/<str:id>", OneApiKey.as_view(), name="key"),
    path("quote", Quote.as_view(), name="quote"),
    path("observations/rate-limits", RateLimitObservations.as_view(), name="observe_rate_limits"),
    path("schema/", Schema.as_view(), name="schema"),
    path("docs/", Documentation.as_view(), name="docs"),
    re_path(r"", Nothing.as_view(), name="nothing"),
]
