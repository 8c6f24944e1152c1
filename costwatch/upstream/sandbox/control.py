"""The sandbox's own endpoints, below `/_sandbox/`: its truth, its faults, its restatements, what it lacks."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from costwatch import clock
from costwatch.upstream.sandbox.sandbox import Answer

if TYPE_CHECKING:
    from costwatch.upstream.sandbox.server import SandboxServer


class _FaultOrder(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    path: str = ""
    times: int | None = 1
    after: int = 0
    probability: float | None = None
    options: dict[str, object] = {}


class _FaultOrders(msgspec.Struct, forbid_unknown_fields=True):
    clear: bool = False
    weather: bool = False
    add: list[_FaultOrder] = []


class _RestateOrder(msgspec.Struct, forbid_unknown_fields=True):
    at: str
    change: str = "up"
    workspace: str | None = "*"


class Control:
    """Answers control requests."""

    def __init__(self, server: "SandboxServer") -> None:
        self._server = server

    def answer(self, method: str, path: str, query: str, body: bytes) -> Answer:
        """The answer to a control request."""
        try:
            match method, path:
                case "GET", "/_sandbox/truth":
                    return _ok(self._truth(query))
                case "GET", "/_sandbox/faults":
                    return _ok({"log": [asdict(entry) for entry in self._server.faults.log]})
                case "POST", "/_sandbox/faults":
                    return _ok(self._add_faults(msgspec.json.decode(body, type=_FaultOrders)))
                case "POST", "/_sandbox/restate":
                    return _ok(self._restate(msgspec.json.decode(body, type=_RestateOrder)))
                case "POST", "/_sandbox/offer":
                    return _ok(self._offer(msgspec.json.decode(body, type=dict[str, str])))
                case "POST", "/_sandbox/refresh":
                    return _ok(self._refresh())
                case "GET", "/_sandbox/requests":
                    return _ok([asdict(entry) for entry in list(self._server.requests)])
        except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            return Answer(400, msgspec.json.encode({"error": str(error)}))
        return Answer(404, msgspec.json.encode({"error": "no such control"}))

    def _truth(self, query: str) -> object:
        pairs = parse_qsl(query, keep_blank_values=True)
        asked = dict(pairs)
        group_by = [name for name in asked.pop("group_by", "").split(",") if name]
        since, until = clock.parse(asked.pop("since")), clock.parse(asked.pop("until"))
        filters = {name: [value for other, value in pairs if other == name] for name in asked}
        found = self._server.truth.totals(since, until, group_by=group_by, **filters)
        rows = [
            {"key": dict(zip(group_by, key, strict=True)), **total.as_json()} for key, total in sorted(found.items())
        ]
        return {"unit": "pico-dollars", "rows": rows}

    def _add_faults(self, orders: _FaultOrders) -> object:
        if orders.clear:
            self._server.faults.clear()
        if orders.weather:
            self._server.faults.weather()
        for order in orders.add:
            self._server.faults.add(
                order.kind, order.path, order.times, order.after, order.probability, **order.options
            )
        return {"added": len(orders.add)}

    def _restate(self, order: _RestateOrder) -> object:
        moment = clock.parse(order.at) if "T" in order.at else date.fromisoformat(order.at)
        return asdict(self._server.restate(moment, change=order.change, workspace=order.workspace))

    def _offer(self, wanted: dict[str, str]) -> object:
        self._server.sandbox.offer.change(**wanted)
        return asdict(self._server.sandbox.offer)

    def _refresh(self) -> object:
        self._server.sandbox.analytics.refresh()
        return {"refreshed": True}


def _ok(value: object) -> Answer:
    return Answer(200, msgspec.json.encode(value))
