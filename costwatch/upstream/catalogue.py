"""The models the vendor lists. No prices, and not every model a report can name.

Source: reference page of models/list (October 2026); earlier pages lack lifecycle, line and the two later times.
"""

from collections.abc import Iterator

import msgspec

from costwatch.upstream.client import AdminClient
from costwatch.upstream.pages import read_list

LIFECYCLES = ("active", "deprecated", "retired")


class Model(msgspec.Struct):
    """A model. `created_at` is the epoch where the vendor does not know it."""

    id: str
    display_name: str = ""
    created_at: str | None = None
    lifecycle: str | None = None
    deprecated_at: str | None = None
    retires_at: str | None = None
    line: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


def models(client: AdminClient, *, with_retired: bool = True) -> Iterator[tuple[Model, dict[str, object]]]:
    """Every model. Older deployments do not know the filter that shows retired ones, and refuse it with a 400."""
    asked = [("lifecycle[]", one) for one in LIFECYCLES] if with_retired else []
    return read_list(client, "/v1/models", Model, asked)
