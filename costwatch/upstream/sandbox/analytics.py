"""The analytics pair: usage and cost as flat, ranked rows, with keys, actors, requests and list amounts."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from costwatch.upstream.sandbox.analytics_groups import Group, Groups
from costwatch.upstream.sandbox.analytics_query import DIMENSIONS, FAN_OUT, MANY, SINGLE, Question, read_question
from costwatch.upstream.sandbox.biller import cents
from costwatch.upstream.sandbox.buckets import Span, next_page, text_of
from costwatch.upstream.sandbox.cost import Bill
from costwatch.upstream.sandbox.history import History
from costwatch.upstream.sandbox.offer import Offer, check
from costwatch.upstream.sandbox.organization import Directory
from costwatch.upstream.sandbox.query import Query, Rejection, Tokens

USAGE_PATH = "/v1/organizations/analytics/usage"
COST_PATH = "/v1/organizations/analytics/cost"
PATHS = (USAGE_PATH, COST_PATH)
SNAPSHOTS_KEPT = 6
# A page token holds the number of a snapshot and a place in it.
_PLACES = 1 << 24
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A ranked answer as it was when its first page was asked for. Units: seconds since 1970."""

    groups: list[Group]
    refreshed_at: int


class Analytics:
    """Answers both reports. Every page of an answer shows the same moment; a refresh ends the cursors given before."""

    def __init__(self, history: History, bill: Bill, directory: Directory, tokens: Tokens, offer: Offer) -> None:
        self._groups, self._tokens, self._offer = Groups(history, bill, directory), tokens, offer
        self._snapshots: OrderedDict[int, _Snapshot] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """End every cursor, as new data does."""
        with self._lock:
            self._snapshots.clear()

    def answer(self, path: str, text: str, betas: Collection[str], now: int, trick: str = "") -> Row:
        """One page of a report; a trick changes it on purpose. Raises: Rejection."""
        check(self._offer.analytics, "Usage and cost analytics")
        query = Query.read(path, text, betas, single=SINGLE, many=MANY)
        is_cost = path == COST_PATH
        question = read_question(query, now, is_cost=is_cost)
        token = query.one("page")
        if token is None:
            place = self._keep(_Snapshot(self._groups.ranked(question, now, is_cost=is_cost), now)) * _PLACES
        else:
            place = self._tokens.read(query, token)
        number, first = divmod(place, _PLACES)
        with self._lock:
            snapshot = self._snapshots.get(number)
            if snapshot is not None:
                self._snapshots.move_to_end(number)
        if snapshot is None or trick == "gone":
            raise Rejection(410, "invalid_request_error", "page: This cursor has expired. Start again from page 1.")
        more = place + question.limit if first + question.limit < len(snapshot.groups) else None
        has_more, next_token = next_page(query, self._tokens, Span(place, (), more), trick)
        if more is None and token is None:
            # An answer of one page has no later ones to keep it for.
            self._forget(number)
        rows = _cost_rows if is_cost else _usage_rows
        return {
            "data": [row for group in snapshot.groups[first : first + question.limit] for row in rows(group, question)],
            "has_more": has_more,
            "next_page": next_token,
            "data_refreshed_at": text_of(snapshot.refreshed_at),
        }

    def _forget(self, number: int) -> None:
        with self._lock:
            self._snapshots.pop(number, None)

    def _keep(self, snapshot: _Snapshot) -> int:
        """Keep a snapshot for its later pages. Shape: its number."""
        with self._lock:
            self._count += 1
            self._snapshots[self._count] = snapshot
            while len(self._snapshots) > SNAPSHOTS_KEPT:
                self._snapshots.popitem(last=False)
            return self._count


def _head(group: Group, question: Question) -> Row:
    dimensions: Row = dict.fromkeys(DIMENSIONS) | dict(zip(question.groups, group.place, strict=True))
    if isinstance(dimensions["actor"], tuple):
        dimensions["actor"] = dict(dimensions["actor"])
    return {"starting_at": text_of(group.start), "ending_at": text_of(group.end), "group": dimensions}


def _usage_rows(group: Group, question: Question) -> list[Row]:
    uncached, five_minutes, one_hour, read, output, searches = group.counts
    usage = {
        "cache_creation": {"ephemeral_1h_input_tokens": one_hour, "ephemeral_5m_input_tokens": five_minutes},
        "cache_read_input_tokens": read,
        "output_tokens": output,
        "requests": group.requests,
        "server_tool_use": {"web_search_requests": searches},
        "total_tokens": sum(group.counts[:5]),
        "uncached_input_tokens": uncached,
    }
    return [{**_head(group, question), "usage": usage}]


def _cost_rows(group: Group, question: Question) -> list[Row]:
    head, rows = _head(group, question), []
    for index, (parts, (amount, list_amount)) in enumerate(group.amounts.items()):
        names: Row = dict.fromkeys(FAN_OUT) | dict(zip(question.fan_out, parts, strict=True))
        cost = {
            # Short and long fractions occur, and zeros that say nothing.
            "amount": cents(amount, (0, 6, 9)[index % 3]),
            "currency": "USD",
            "list_amount": cents(list_amount),
            "requests": None if question.fan_out else group.requests,
        }
        rows.append({**head, "group": {**head["group"], **names}, "cost": cost})  # type: ignore[dict-item]
    return rows
