"""The OpenAPI document as a person reads it: operations, and the shapes they refer to. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a key of a shape. `shape` names the shape it refers to, if any."""

    name: str
    kind: str
    shape: str
    says: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an operation in one format."""

    status: str
    says: str
    media: str
    kind: str
    shape: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One status with which operations refuse, and when."""

    status: str
    says: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how it is called and what comes back."""

    id: str
    method: str
    path: str
    summary: str
    says: str
    parameters: tuple[Field, ...]
    body: Field | None
    answers: tuple[Answer, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of answers or bodies, by its keys."""

    name: str
    says: str
    fields: tuple[Field, ...]


def groups(document: Json) -> dict[str, list[Operation]]:
    """The operations by their tag, in the order of the document."""
    made: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            made.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    return made


def shapes(document: Json) -> list[Shape]:
    """Every shape that answers and bodies are made of."""
    return [
        Shape(name, _plain(shape.get("description", "")), tuple(_fields(shape)))
        for name, shape in document["components"]["schemas"].items()
    ]


def refusals(document: Json) -> list[Refusal]:
    """Every status an operation may refuse with."""
    return [
        Refusal(status, _plain(response["description"]))
        for status, response in document["components"]["responses"].items()
    ]


def _operation(path: str, method: str, operation: Json) -> Operation:
    body = operation.get("requestBody")
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        says=_plain(operation.get("description", "")),
        parameters=tuple(_parameter(one) for one in operation["parameters"]),
        body=_field("", body["content"]["application/json"]["schema"], body["description"], True) if body else None,
        answers=tuple(_answers(operation["responses"])),
        refusals=tuple(status for status, given in operation["responses"].items() if "$ref" in given),
    )


def _parameter(one: Json) -> Field:
    name = one["name"] if one["in"] == "query" else f"{one['name']} ({one['in']})"
    return _field(name, one["schema"], one.get("description", ""), one.get("required", False))


def _fields(shape: Json) -> Iterator[Field]:
    required = shape.get("required", ())
    for name, schema in shape["properties"].items():
        yield _field(name, schema, schema.get("description", ""), name in required)


def _field(name: str, schema: Json, says: str, is_required: bool) -> Field:
    return Field(name, kind(schema), shape_of(schema), _plain(says), is_required)


def _answers(responses: Json) -> Iterator[Answer]:
    for status, response in responses.items():
        if "$ref" in response:
            continue
        contents = response.get("content") or {"": {"schema": {}}}
        for media, content in contents.items():
            schema = content["schema"]
            yield Answer(status, _plain(response["description"]), media, kind(schema), shape_of(schema))


def kind(schema: Json) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        return _last(schema["$ref"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return _("one of %(words)s") % {"words": ", ".join(schema["enum"])}
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return _(" or ").join(kind(one) for one in schema[choice])
    given = schema.get("type", "")
    words = _(" or ").join(given) if isinstance(given, list) else given
    if words == "array":
        few = {"words": ", ".join(schema["items"].get("enum", ())), "kind": kind(schema["items"])}
        words = (_("some of %(words)s") if few["words"] else _("list of %(kind)s")) % few
    details = [schema[word] for word in ("format",) if word in schema]
    details += [f"{sign} {schema[word]}" for word, sign in _BOUNDS.items() if word in schema]
    return ", ".join([words, *details]) if words else ""


_BOUNDS = {"minimum": "≥", "maximum": "≤", "maxItems": "≤", "default": "="}


def shape_of(schema: Json) -> str:
    """The shape a value refers to, itself or by its items; empty where it refers to none."""
    if "$ref" in schema:
        return _last(schema["$ref"])
    inside = [schema["items"]] if "items" in schema else [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return next((found for one in inside if (found := shape_of(one))), "")


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _plain(text: str) -> str:
    """A description without its marks: it is CommonMark in the document."""
    return text.replace("`", "")
