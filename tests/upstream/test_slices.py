"""Answers that are too large are asked for in smaller pieces, and nothing is lost on the way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from costwatch.upstream import client as clients
from costwatch.upstream import transport, usage
from costwatch.upstream.client import AdminClient
from costwatch.upstream.credential import Secret
from costwatch.upstream.errors import TooLarge
from costwatch.upstream.pages import Window
from costwatch.upstream.sandbox.server import SandboxServer
from costwatch.upstream.usage import BASE, MINUTES, parse

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(hours=6))


@pytest.fixture
def opened() -> Iterator[tuple[AdminClient, SandboxServer]]:
    """A client of a sandbox organization."""
    with (
        SandboxServer(anchor=NOW, now=lambda: NOW) as server,
        AdminClient(server.url, lambda: Secret(server.admin_key)) as client,
    ):
        yield client, server


def taking(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Take answers of at most so many bytes."""
    small = partial(transport.read_bounded, wire_limit=size, decoded_limit=size)
    monkeypatch.setattr(clients, "read_bounded", small)


def contents(client: AdminClient, chain: usage.Chain = BASE, width: str = "1h") -> list[tuple[datetime, dict, int]]:
    report = usage.read(client, WINDOW, chain, width=width)
    return [(one.start, parse(one).rows, len(one.rows)) for one in report.buckets]


@pytest.mark.parametrize(
    ("size", "filters"),
    [
        (100_000, set()),
        (15_000, {"models%5B%5D"}),
        (12_500, {"models%5B%5D", "service_tiers%5B%5D", "inference_geos%5B%5D"}),
    ],
    ids=["fewer buckets a page", "by model", "down to the geography"],
)
def test_a_large_answer_in_pieces_is_the_whole_answer(
    opened: tuple[AdminClient, SandboxServer], monkeypatch: pytest.MonkeyPatch, size: int, filters: set[str]
) -> None:
    client, server = opened
    whole = contents(client)
    taking(monkeypatch, size)
    server.requests.clear()
    pieces = contents(client)
    assert [(start, rows) for start, rows, _ in pieces] == [(start, rows) for start, rows, _ in whole]
    asked = {name.split("=")[0] for entry in server.requests for name in entry.query.split("&")}
    assert {name for name in asked if name.endswith("s%5B%5D")} == filters
    assert not {"workspace_ids%5B%5D", "api_key_ids%5B%5D"} & asked


def test_minutes_are_sliced_too(opened: tuple[AdminClient, SandboxServer], monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = opened
    whole = contents(client, MINUTES, "1m")
    taking(monkeypatch, 11_000)
    assert [rows for _, rows, _ in contents(client, MINUTES, "1m")] == [rows for _, rows, _ in whole]


def test_what_is_too_large_in_its_finest_slice_is_an_error(
    opened: tuple[AdminClient, SandboxServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = opened
    taking(monkeypatch, 1_200)
    with pytest.raises(TooLarge):
        contents(client)
