"""Routes."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("costwatch.api.urls")),
    path("", include("costwatch.web.urls")),
]
handler500 = "costwatch.web.failures.failed"
