"""The OpenAPI description, made from what the routes declare: the same parameters that are read, the same bounds."""

import inspect
import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

from costwatch.api import components
from costwatch.api.parameters import Parameter
from costwatch.api.problems import MEDIA_TYPE

Json = dict[str, Any]
REFUSALS = {
    "400": "A parameter is unknown, wrong or out of bounds; `errors` names it.",
    "401": "Nobody is signed in, or the token is not shown.",
    "403": "The CSRF token is missing, or this may not be done.",
    "404": "There is no such object or address.",
    "405": "The address does not answer this method.",
    "406": "None of the formats asked for is offered.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
    "500": "The request failed on our side.",
    "503": "The question took longer than five seconds, or the database or the price table cannot be read.",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer: answers 304 where nothing has changed.",
    "schema": {"type": "string"},
}
_KEPT = {
    "ETag": {"description": "The tag of this answer.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "Always `private, no-cache`.", "schema": {"type": "string"}},
}


class Described(AutoSchema):
    """One operation of a route: its summary is the route's docstring, its parameters are those it reads."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Json | None:
        """The operation.

        Shape: an OpenAPI operation; None for a route that is not described.
        """
        route = self.view
        if not getattr(route, "operation", ""):
            return None
        reads = method == "GET"
        summary, _gap, more = inspect.cleandoc(type(route).__doc__ or "").partition("\n\n")
        made: Json = {
            "operationId": route.operation,
            "summary": summary.removesuffix("."),
            "tags": [route.tag],
            "parameters": [
                *(components.PLACES[name] for name in re.findall(r"{(\w+)}", path)),
                *map(described, route.parameters),
                *([_IF_NONE_MATCH] if reads else []),
            ],
            "security": list(route.sign_in) or [{"session": []} if reads else {"session": [], "csrf": []}],
            "responses": {
                "200": {"description": "The answer.", "content": route.content},
                **({"304": {"description": "Nothing has changed since the tag that was sent."}} if reads else {}),
                **{status: {"$ref": f"#/components/responses/{status}"} for status in self._refusals(path, reads)},
            },
        }
        if more:
            made["description"] = more
        if reads:
            made["responses"]["200"]["headers"] = _KEPT
        else:
            made["requestBody"] = route.body
        return made

    def _refusals(self, path: str, reads: bool) -> list[str]:
        left_out = set() if "{" in path or self.view.may_be_off else {"404"}
        left_out |= {"413", "415"} if reads else set()
        return [status for status in REFUSALS if status not in left_out]


def described(parameter: Parameter) -> Json:
    """A parameter in the words of OpenAPI."""
    made: Json = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.says,
        "schema": parameter.schema,
    }
    if parameter.many:
        made |= {"style": "form", "explode": not parameter.separated}
    if parameter.example is not None:
        made["example"] = parameter.example
    return made


def complete(result: Json, **_given: Any) -> Json:
    """Adds what operations refer to: shapes, refusals, the ways to sign in."""
    refusals = {
        status: {
            "description": says,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": components.example_problem(int(status), says),
                }
            },
        }
        for status, says in REFUSALS.items()
    }
    result["components"] = {
        "schemas": components.SCHEMAS,
        "responses": refusals,
        "securitySchemes": components.SIGN_IN,
    }
    return result
