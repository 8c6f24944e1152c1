"""The description of the API: as OpenAPI, and as a page to read."""

import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.renderers import BaseRenderer, JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request

from costwatch.api import parameters, reference, shapes
from costwatch.api.parameters import Parameter
from costwatch.api.routes import Route, answer


class AsYaml(BaseRenderer):
    """Marks that the description may be YAML; the text is made where it is asked for."""

    media_type, format = "application/yaml", "yaml"


class Schema(Route):
    """The description of this API, as OpenAPI 3.1."""

    operation = "schema"
    tag = "Description"
    renderer_classes = (JSONRenderer, AsYaml)
    parameters = (
        Parameter(
            "format",
            "The format of the answer, in place of the Accept header.",
            parameters.one_of("json", "yaml"),
            {"type": "string", "enum": ["json", "yaml"], "default": "json"},
        ),
    )
    content = shapes.SCHEMA

    def get(self, request: Request) -> HttpResponse:
        """Answer with the description."""
        parameters.read(request, self.parameters)
        form = request.accepted_renderer
        make = _yaml if form.format == "yaml" else lambda: json.dumps(description(), indent=2)
        return answer(request, make, form.media_type)


class Documentation(Route):
    """The same description as a page."""

    renderer_classes = (StaticHTMLRenderer,)

    def get(self, request: Request) -> HttpResponse:
        """Show the page."""
        parameters.read(request, self.parameters)
        document = description()
        shown = {
            "section": "api",
            "csrf_cookie": settings.CSRF_COOKIE_NAME,
            "openapi": document["openapi"],
            "groups": reference.groups(document),
            "refusals": reference.refusals(document),
            "shapes": reference.shapes(document),
        }
        return render(request._request, "api/docs.html", shown)


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document; it changes only with the code."""
    # Imported here: a tenth of a second that every command which looks at the routes would pay.
    from drf_spectacular.generators import SchemaGenerator

    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def _yaml() -> bytes:
    from drf_spectacular.renderers import OpenApiYamlRenderer2

    text: bytes = OpenApiYamlRenderer2().render(description())
    return text
